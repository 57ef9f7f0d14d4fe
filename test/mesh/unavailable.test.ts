import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { findFreePort } from "../../scripts/local-servers/ports.ts";
import type { Answer } from "../support/clients/api-client.ts";
import { eventually } from "../support/eventually.ts";
import { type BusProxy, openBusProxy } from "../support/fakes/bus-proxy.ts";
import { type NetworkProxy, startNetworkProxy } from "../support/fakes/network-proxy.ts";
import { linkToken, mailTo, newPerson, register, signIn } from "../support/flows/main-flow.ts";
import { createTestDatabase, type TestDatabase } from "../support/start/database.ts";
import { startMesh, type TestMesh } from "../support/start/mesh.ts";
import { type Server, startNatsServer } from "../support/start/servers.ts";

const LEASE_MS = 3_000;
const REQUEST_TIMEOUT_MS = 10_000;
/** The time until everything works again. */
const SOON = { within: 15_000 };
const pages = ["/", "/docs", "/openapi.json", "/health/live", "/.well-known/jwks.json"];

let mesh: TestMesh;
let database: TestDatabase;
let line: NetworkProxy;
let nats: Server;
let bus: BusProxy;
let access: string;

beforeAll(async () => {
  database = await createTestDatabase();
  line = await startNetworkProxy(database.url);
  nats = await startNatsServer();
  bus = await openBusProxy(nats.url);
  mesh = await startMesh({ env: { DATABASE_URL: line.url, NATS_URL: bus.url } });
  // The gateway is ready before every node has discovered every other one, which takes a while on a busy machine.
  await toBeWell();
  access = await eventually("a sign-in", async () => (await signIn(mesh, await register(mesh))).access);
});

afterAll(async () => {
  await mesh?.stop();
  await bus?.close();
  await nats?.stop();
  await line?.stop();
  await database?.drop();
});

const me = () => mesh.api.get("users/me", access);
const sessions = () => mesh.api.get("auth/sessions", access);
/** Dependencies that health reports as down, and services without a node. */
async function missing(): Promise<string[]> {
  const { dependencies, services } = await health();
  const down = Object.keys(dependencies).filter((name) => dependencies[name] === "down");
  return [...down, ...Object.keys(services).filter((name) => services[name] === 0)];
}
const toMiss = (...names: string[]) =>
  eventually(
    `health to miss exactly ${names.join(", ") || "nothing"}`,
    async () => JSON.stringify((await missing()).sort()) === JSON.stringify(names.toSorted()),
    { every: 200 },
  );
/** Shortly after an outage health misses nothing yet knows nothing of some dependencies, because their nodes have not been asked. */
const toBeWell = () => eventually("health to be ok", async () => (await health()).status === "ok", { every: 200 });
const isServed = async (look: () => Promise<Answer>) => (await look()).status === 200;
const health = async (): Promise<Answer["body"]> => (await mesh.api.get("/health")).body;

/** Without waiting for a timeout. */
async function expectAtOnce(look: () => Promise<Answer>): Promise<void> {
  const before = performance.now();
  expectAway(await look());
  expect(performance.now() - before).toBeLessThan(REQUEST_TIMEOUT_MS / 2);
}

function expectAway({ status, body, headers }: Answer): void {
  expect({ status, body }).toBeProblem(503, "service_unavailable");
  expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
}

async function expectPages(): Promise<void> {
  for (const page of pages) expect([page, (await fetch(mesh.api.url + page)).status]).toEqual([page, 200]);
}

describe("health", () => {
  const isForJetStream = (message: string) => message.startsWith("PUB $JS.API.");
  const parts: ReadonlyArray<{ readonly name: string; away(): unknown; back(): unknown }> = [
    { name: "database", away: () => line.cut(), back: () => line.mend() },
    { name: "nats", away: () => nats.stop(), back: () => nats.start() },
    {
      name: "jetstream",
      away: () => bus.rule((message) => (isForJetStream(message) ? "is lost" : "arrives")),
      back: () => bus.mend(),
    },
    { name: "redis", away: () => mesh.redis.stop(), back: () => mesh.redis.start() },
    { name: "smtp", away: () => mesh.smtp.stop(), back: () => mesh.smtp.start() },
  ];

  test.each(parts)("names $name, and nothing else, while it is away", async ({ name, away, back }) => {
    await toBeWell();
    await away();
    await toMiss(name);
    expect((await health()).status).toBe("degraded");
    await back();
    await toBeWell();
  });

  test("names exactly the services and workers without a node", async () => {
    const names = mesh.names().filter((name) => !name.startsWith("gateway"));
    const gone: string[] = [];
    for (const name of names) {
      await mesh.kill(name);
      gone.push(name.replace(/-1$/, ""));
      await toMiss(...gone);
    }
    await Promise.all(names.map((name) => mesh.restart(name)));
    await toBeWell();
    await eventually("an authenticated response", () => isServed(me), SOON);
  });

  test("of a node is not ready while a dependency that it needs is away, and only then", async () => {
    const port = String(await findFreePort());
    await mesh.replace("mail-1", { NODE_HEALTH_PORT: port });
    const ready = async () => (await fetch(`http://127.0.0.1:${port}/health/ready`)).status;
    await eventually("its readiness", async () => (await ready()) === 200);
    await mesh.smtp.stop();
    await toMiss("smtp");
    expect(await ready()).toBe(200);
    await mesh.smtp.start();
    line.cut();
    await eventually("its notice", async () => (await ready()) === 503);
    line.mend();
    await eventually("its readiness", async () => (await ready()) === 200);
    await toBeWell();
  });
});

describe("while Redis is unavailable", () => {
  beforeAll(() => mesh.redis.stop());
  afterAll(() => mesh.redis.start());

  test("everything works except mails, which are sent afterwards", async () => {
    const person = await register(mesh);
    const { access } = await signIn(mesh, person);
    expect((await mesh.api.patch("users/me", { bio: "Still here." }, access)).status).toBe(200);
    expect((await mesh.api.get("users/me", access)).body.data.bio).toBe("Still here.");
    await eventually("health to report it", async () => (await health()).dependencies.redis === "down");
    expect(mesh.mails().some((mail) => mail.to.includes(person.email))).toBe(false);
    await mesh.redis.start();
    const token = linkToken(await mailTo(mesh, person.email, /verify-email/));
    expect((await mesh.api.post("auth/verify-email", { token, password: person.password })).status).toBe(200);
  });
});

describe("while NATS is unavailable", () => {
  beforeAll(async () => {
    await toBeWell();
    await nats.stop();
  });
  afterAll(() => nats.start());

  test("pages, keys and health are served, and health reports NATS as down", async () => {
    await expectPages();
    await eventually("health to report it", async () => (await health()).dependencies.nats === "down");
    expect(await missing()).toEqual(["nats"]);
  });

  test("a call fails at once", async () => {
    await expectAtOnce(() => mesh.api.post("auth/login", newPerson()));
  });

  test("everything works again soon afterwards", async () => {
    await nats.start();
    await eventually("an authenticated response", () => isServed(me), SOON);
  });
});

describe("while a service is unavailable", () => {
  beforeAll(() => mesh.kill("preferences-1"));

  test("its routes answer 503, and all others work", async () => {
    await eventually("its node to be missed", async () => (await wishes()).status === 503, SOON);
    await expectAtOnce(wishes);
    const areServed = async () => (await isServed(me)) && (await isServed(sessions));
    expect(await eventually("the answers of the others", areServed, SOON)).toBe(true);
  });

  test("everything works again soon afterwards", async () => {
    await mesh.restart("preferences-1");
    await eventually("its answer", () => isServed(wishes), SOON);
  });

  const wishes = () => mesh.api.get("users/me/preferences", access);
});

describe("while sessions is unavailable", () => {
  beforeAll(() => mesh.kill("sessions-1"));

  test("authenticated routes answer 503 within about three seconds, and pages are served", async () => {
    await eventually("a refusal", async () => (await me()).status === 503, { within: LEASE_MS + 3_000 });
    expectAway(await me());
    await expectPages();
  });

  test("everything works again soon afterwards", async () => {
    await mesh.restart("sessions-1");
    await eventually("an authenticated response", () => isServed(me), SOON);
  });
});

describe("while PostgreSQL is unavailable", () => {
  const person = newPerson();
  beforeAll(() => line.cut());
  afterAll(() => line.mend());

  test("authenticated routes answer 503 within about three seconds, and pages are served", async () => {
    await eventually("a refusal", async () => (await me()).status === 503, { within: LEASE_MS + 3_000 });
    expectAway(await me());
    await expectPages();
  });

  test("health answers 503 and reports it", async () => {
    const told = await eventually("health to report it", async () => {
      const answer = await mesh.api.get("/health");
      return answer.status === 503 && answer;
    });
    expect(told.body.dependencies).toMatchObject({ database: "down", redis: "up", nats: "up" });
  });

  test("a registration that failed meanwhile can be repeated", async () => {
    const { status, headers } = await mesh.api.post("auth/register", person);
    expect([status, headers.has("retry-after")]).toEqual([503, true]);
    line.mend();
    await eventually("an authenticated response", () => isServed(me), SOON);
    await signIn(mesh, await register(mesh, person));
    await mailTo(mesh, person.email, /verify-email/);
  });
});
