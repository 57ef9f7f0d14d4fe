import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { connect, type NatsConnection } from "nats";
import { joinMesh, type PeerActions, UsermeshError } from "../../clients/moleculer/index.js";
import type { Actions } from "../../lib/actions/typed-call.ts";
import { natsOptions } from "../../lib/runtime/nats-options.ts";
import { greet } from "../../scripts/operator/greeting.ts";
import { createOperator } from "../../scripts/operator/operator.ts";
import { createApiClient, requestUntilAnswered } from "../support/clients/api-client.ts";
import { eventually } from "../support/eventually.ts";
import { type BusProxy, openBusProxy } from "../support/fakes/bus-proxy.ts";
import { register, signIn } from "../support/flows/main-flow.ts";
import { createTestDatabase, type TestDatabase } from "../support/start/database.ts";
import { firstAdmin } from "../support/start/installation.ts";
import { type ServerSet, startNatsServer, startServers } from "../support/start/servers.ts";
import { type RunningServices, startServices } from "../support/start/services.ts";

/** Does not compile if what the client declares differs from the contracts. */
type Declared<A extends keyof PeerActions> = Actions[A]["result"] extends PeerActions[A]["result"]
  ? PeerActions[A]["params"] extends Actions[A]["params"]
    ? true
    : never
  : never;
const declared: { [A in keyof PeerActions]: Declared<A> } = {
  "users.get": true,
  "users.validate": true,
  "mail.push": true,
};

interface Running {
  readonly api: Awaited<ReturnType<typeof createApiClient>>;
  readonly admin: typeof firstAdmin;
  readonly mails: RunningServices["mails"];
}

const stack = new AsyncDisposableStack();
let servers: ServerSet;
let services: RunningServices;
let running: Running;
let connection: NatsConnection;
beforeAll(async () => {
  servers = await startServers(stack);
  const { DATA_DIR: _, ...env } = servers.env;
  services = stack.adopt(
    await startServices("all", { ...env, SERVICE_PERMISSIONS: "jobs=users:read push:send" }),
    (one) => one.stop(),
  );
  connection = stack.adopt(await connect(natsOptions(servers.nats.url)), (one) => one.close());
  running = { api: createApiClient(services.url), admin: firstAdmin, mails: services.mails };
}, 120_000);
afterAll(() => stack.disposeAsync());

describe("a peer written with clients/moleculer", () => {
  let database: TestDatabase;
  let bus: BusProxy;
  let peer: ChildProcess;
  beforeAll(async () => {
    database = stack.adopt(await createTestDatabase(), (one) => one.drop());
    bus = stack.adopt(await openBusProxy(servers.nats.url), (one) => one.close());
    peer = await startPeer();
    stack.defer(() => kill());
  });

  async function startPeer(): Promise<ChildProcess> {
    const env = {
      PATH: process.env.PATH,
      NATS_URL: bus.url,
      JOBS_DATABASE_URL: `${database.url}?application_name=jobs`,
    };
    const child = spawn(process.execPath, ["clients/moleculer/example/people.js"], {
      env,
      stdio: ["ignore", "pipe", 2],
    });
    let output = "";
    child.stdout?.on("data", (text: Buffer) => {
      output += text;
    });
    await eventually("the peer", () => output.includes("ready\n"));
    return child;
  }

  async function kill(): Promise<void> {
    if (peer.exitCode !== null || peer.signalCode !== null) return;
    peer.kill("SIGKILL");
    await once(peer, "exit");
  }

  const consumer = async () => (await connection.jetstreamManager()).consumers.info("USERS", "jobs-users");
  const allHandled = () =>
    eventually("all events handled by the peer", async () => {
      await services.settled();
      const { num_pending, num_ack_pending } = await consumer();
      return num_pending + num_ack_pending === 0;
    });
  const copied = async () => {
    const rows = await database.query<{ id: string; email: string; name: string | null }>("SELECT * FROM people");
    return new Map(rows.map(({ id, email, name }) => [id, { email, name }]));
  };
  const accounts = async () => {
    const sql = "SELECT id, email, full_name AS name FROM users.users";
    const rows = await services.database.query<{ id: string; email: string; name: string | null }>(sql);
    return new Map(rows.map(({ id, email, name }) => [id, { email, name }]));
  };
  const welcomed = async () =>
    (await database.query<{ id: string }>("SELECT user_id AS id FROM welcomes")).map((row) => row.id).toSorted();

  test("has all accounts from before it was started, with their current names", async () => {
    const person = await register(running);
    await rename(person, "Ada Lovelace");
    await allHandled();
    expect(await copied()).toEqual(await accounts());
    expect((await copied()).get(person.id)).toEqual({ email: person.email, name: "Ada Lovelace" });
    expect(await welcomed()).toEqual([...(await accounts()).keys()].toSorted());
  });

  test("that is killed after its effects and before NATS gets the acknowledgements repeats no effect", async () => {
    bus.rule((message) => (message.startsWith("PUB $JS.ACK.") ? "is lost" : "arrives"));
    const people = await Promise.all(Array.from({ length: 8 }, () => register(running)));
    await eventually("their effects", async () => {
      const ids = await welcomed();
      return people.every(({ id }) => ids.includes(id));
    });
    expect((await consumer()).num_ack_pending).toBeGreaterThanOrEqual(people.length);
    await kill();
    bus.mend();
    peer = await startPeer();
    await allHandled();
    expect(await welcomed()).toEqual([...(await accounts()).keys()].toSorted());
  });

  test("that is killed again and again in the middle of events loses none and handles none twice", async () => {
    const busy = (async () => {
      for (let turn = 0; turn < 15; turn += 1) {
        const people = await Promise.all(Array.from({ length: 4 }, () => register(running)));
        await Promise.all(people.map((person) => rename(person, `Name ${turn}`)));
      }
    })();
    for (let turn = 0; turn < 3; turn += 1) {
      const before = (await welcomed()).length;
      await eventually("more events", async () => (await welcomed()).length > before + 3, { every: 5 });
      await kill();
      peer = await startPeer();
    }
    await busy;
    await allHandled();
    expect(await copied()).toEqual(await accounts());
    expect(await welcomed()).toEqual([...(await accounts()).keys()].toSorted());
  });

  test("fills an empty copy from the snapshot of a recreated stream, and welcomes nobody again", async () => {
    const before = await welcomed();
    await database.query("TRUNCATE people");
    await (await connection.jetstreamManager()).streams.delete("USERS");
    await register(running);
    await eventually("the whole copy", async () => (await copied()).size === (await accounts()).size);
    await allHandled();
    expect(await copied()).toEqual(await accounts());
    expect((await welcomed()).length).toBe(before.length + 1);
  });

  test("survives that PostgreSQL closes its connections", async () => {
    const { id } = await register(running);
    await allHandled();
    const closed = await database.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'jobs'",
    );
    expect(closed.length).toBeGreaterThan(0);
    await rename(await register(running), "Next");
    await allHandled();
    expect(await welcomed()).toContain(id);
    expect(peer.exitCode).toBeNull();
  });

  test("offers an action that asks Usermesh, and ends what it is handling on SIGTERM", async () => {
    const person = await register(running);
    const call = (params: object) => services.broker.call("jobs.contact", params);
    const contact = await eventually("the peer's action", () => call({ id: person.id }).catch(() => undefined));
    expect(contact).toEqual({ email: person.email, title: null, is_active: true });
    await allHandled();
    peer.kill("SIGTERM");
    const [code] = await once(peer, "exit");
    expect(code).toBe(0);
    expect((await consumer()).num_ack_pending).toBe(0);
  });

  async function rename(person: Awaited<ReturnType<typeof register>>, full_name: string): Promise<void> {
    const { access } = await signIn(running, person);
    const renamed = await requestUntilAnswered(() => running.api.patch("users/me", { full_name }, access));
    expect(renamed.status).toBe(200);
  }
});

describe("calls and errors of a peer", () => {
  test("results are those of the contracts, and failures have the codes of the catalogue", async () => {
    expect(Object.keys(declared)).toHaveLength(3);
    const person = await register(running);
    const peer = await joinMesh({ name: "jobs", natsUrl: servers.nats.url, broker: { logger: false } });
    const failed = (work: Promise<unknown>): Promise<UsermeshError> =>
      work.then(
        () => {
          throw new Error("It did not fail.");
        },
        (error) => error,
      );
    try {
      expect(await peer.call("users.get", { id: person.id })).toMatchObject({ email: person.email });
      expect(await peer.call("users.get", { id: "00000000-0000-7000-8000-00000000dead" })).toBeNull();
      const invalid = await failed(peer.call("users.get", { id: "nobody" }));
      expect(invalid).toMatchObject({ name: "UsermeshError", code: "validation_failed", status: 422 });
      expect(invalid.errors[0]?.field).toBe("id");
      expect(await failed(peer.call("users.validate", { ids: [person.id] }))).toMatchObject({
        ...{ code: "forbidden", status: 403 },
        message: expect.stringContaining('"users:validate"'),
      });
      const nobody = { id: person.id, user_id: person.id, title: "News", body: "Hello" };
      expect(await failed(peer.call("mail.push", nobody))).toMatchObject({ code: "push_unavailable", status: 503 });
      const absent = peer.call("jobs.nothing" as "users.get", { id: person.id });
      expect(await failed(absent)).toMatchObject({ code: "service_unavailable", status: 503, retryAfter: 1 });
    } finally {
      await peer.stop();
    }
  });

  test("an error that a peer's action throws reaches a peer and a node of Usermesh with its code", async () => {
    const join = (options: object) =>
      joinMesh({ name: "jobs", natsUrl: servers.nats.url, broker: { logger: false }, ...options });
    const errors = [{ field: "title", code: "required", message: "is required" }];
    const refuse = () => {
      throw new UsermeshError("validation_failed", 422, "The title is missing.", { errors });
    };
    const offering = await join({ services: [{ name: "titles", actions: { refuse } }] });
    const calling = await join({ name: "readers", waitFor: ["titles"] });
    try {
      const sent = { code: "validation_failed", status: 422, message: "The title is missing.", errors };
      await expect(calling.call("titles.refuse" as "users.get", { id: "" })).rejects.toMatchObject(sent);
      await expect(offering.call("titles.refuse" as "users.get", { id: "" })).rejects.toMatchObject(sent);
      await services.broker.waitForServices("titles", 5_000, 50);
      const received = services.broker.call("titles.refuse", {});
      await expect(received).rejects.toMatchObject({ name: "AppError", type: "validation_failed", data: { errors } });
    } finally {
      await Promise.all([offering.stop(), calling.stop()]);
    }
  });

  test("a peer causes no warning when an operator joins", async () => {
    const peer = await joinMesh({
      ...{ name: "jobs", natsUrl: servers.nats.url, broker: { logger: false } },
      services: [{ name: "vacancies" }],
    });
    try {
      await services.broker.waitForServices("vacancies", 5_000, 50);
      const text = await greet(createOperator(services.broker, "this test", () => undefined));
      expect(text).toMatch(/2 nodes: .*vacancies/);
      expect(text).not.toContain("does not answer");
    } finally {
      await peer.stop();
    }
  });

  test("a peer stops while NATS is unavailable", async () => {
    const nats = await startNatsServer();
    stack.defer(nats.stop);
    const peer = await joinMesh({ name: "jobs", natsUrl: nats.url, waitFor: [], broker: { logger: false } });
    await nats.kill();
    await expect(peer.stop()).resolves.toBeUndefined();
    expect(peer.connection.isClosed()).toBe(true);
  });

  test("a peer that cannot join gets an error that names the cause", async () => {
    const url = servers.nats.url;
    const wrong = url.replace(/:[^:@]+@/, ":wrong@");
    const broker = { logger: false } as const;
    await expect(joinMesh({ name: "jobs", natsUrl: wrong, broker })).rejects.toThrow(
      /NATS at .* as bus: .*Authorization/i,
    );
    await expect(joinMesh({ name: "jobs", natsUrl: "nats://127.0.0.1:1", broker })).rejects.toThrow(
      /CONNECTION_REFUSED/,
    );
    await expect(joinMesh({ name: "mail", natsUrl: url, broker })).rejects.toThrow("is a service of Usermesh");
    await expect(joinMesh({ name: "jobs", natsUrl: "", broker })).rejects.toThrow("NATS_URL is not set");
    const waiting = joinMesh({ name: "jobs", natsUrl: url, waitFor: ["users", "invoices"], timeoutMs: 1_000, broker });
    await expect(waiting).rejects.toThrow("No node offers invoices after 1 s.");
  });
});
