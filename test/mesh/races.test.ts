import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type ApiClient, requestUntilAnswered } from "../support/clients/api-client.ts";
import { eventually } from "../support/eventually.ts";
import { describeEpoch } from "../support/flows/epoch.ts";
import { describeKeys, expectOneAccount, registerUntilAnswered } from "../support/flows/idempotency.ts";
import { newPerson, register, signIn } from "../support/flows/main-flow.ts";
import { describeOneWinner } from "../support/flows/one-winner.ts";
import { describeReplay } from "../support/flows/replay.ts";
import { describeRevocation } from "../support/flows/revocation-flow.ts";
import { describeStale } from "../support/flows/stale-flow.ts";
import { startMesh, type TestMesh } from "../support/start/mesh.ts";

const VICTIMS = ["gateway", "auth", "users"] as const;
const DEATHS = 20;
/** A little more than a registration takes. */
const LATEST_MS = 60;

describe("with two nodes of each service", () => {
  let mesh: TestMesh;
  beforeAll(async () => {
    mesh = await startMesh({
      processes: { gateway: 2, auth: 2, users: 2, sessions: 2, preferences: 2 },
      env: { PASSWORD_HASH_CONCURRENCY: "4", CIRCUIT_BREAKER_OPEN_SECONDS: "1" },
    });
  });
  afterAll(() => mesh?.stop());

  describe("the epoch of an account", () => describeEpoch(() => mesh, 34));
  describe("a changed account", () => describeStale(() => mesh));
  describe("a revocation", () => describeRevocation(() => ({ running: mesh, gateways: mesh.gateways })));
  describe("concurrent requests have one winner", () => describeOneWinner(() => mesh));
  describe("an idempotency key", () => describeKeys(() => mesh));
  describe("an event that is delivered again", () => describeReplay(() => mesh));

  test(`a keyed registration survives ${DEATHS} deaths of a gateway, of auth and of users`, async () => {
    const back = new Map<string, Promise<void>>();
    const people: Array<ReturnType<typeof newPerson>> = [];
    for (let death = 0; death < DEATHS; death += 1) {
      const service = VICTIMS[death % VICTIMS.length] ?? "auth";
      const victim = `${service}-${(Math.floor(death / VICTIMS.length) % 2) + 1}`;
      // The other node must be up again, or no node could respond.
      await back.get(service);
      const person = newPerson("mortal");
      people.push(person);
      // Starts at the gateway that is killed, if one is.
      const gateways = victim === "gateway-2" ? mesh.gateways.toReversed() : mesh.gateways;
      const answered = registerUntilAnswered(gateways, person);
      await sleep(Math.random() * LATEST_MS);
      await mesh.kill(victim);
      const answer = await answered;
      const restarted = mesh.restart(victim);
      restarted.catch(() => undefined);
      back.set(service, restarted);
      const alive = service === "gateway" ? [gateways[1] as (typeof gateways)[0]] : gateways;
      await expectOneAccount({ ...mesh, gateways: alive }, person, answer);
    }
    await Promise.all(back.values());
    const mailsTo = ({ email }: { email: string }) => mesh.mails().filter((mail) => mail.to.includes(email)).length;
    await eventually("the mails", () => people.every((person) => mailsTo(person) > 0));
    await mesh.settled();
    expect(people.map(mailsTo)).toEqual(Array(DEATHS).fill(1));
  });

  test("clients that refresh while NATS restarts keep their sessions", async () => {
    const accounts = await Promise.all(Array.from({ length: 12 }, () => register(mesh)));
    const clients = await Promise.all(
      accounts.map(async (account, n) =>
        refreshing(mesh.gateways[n % 2] as ApiClient, (await signIn(mesh, account)).refresh),
      ),
    );
    const moved = (by: number) => {
      const from = clients.map((client) => client.count);
      const has = ({ count, refused }: (typeof clients)[0], n: number) =>
        refused.length > 0 || count >= (from[n] ?? 0) + by;
      return eventually("all clients refreshing", () => clients.every(has));
    };
    for (let restart = 0; restart < 3; restart += 1) {
      await moved(3);
      await mesh.nats.stop();
      // Longer than a client waits for a lost response.
      await sleep(2_000);
      await mesh.nats.start();
    }
    await moved(3);
    const outcomes = await Promise.all(clients.map((client) => client.stop()));
    expect(outcomes).toEqual(Array(12).fill({ refused: [], good: 200 }));
    expect(clients.some(({ unanswered }) => unanswered > 0)).toBe(true);
    const reused = "SELECT 1 FROM sessions.outbox WHERE body->>'event_type' = 'token.reused' AND user_id = ANY($1)";
    expect(await mesh.database.query(reused, [accounts.map(({ id }) => id)])).toEqual([]);
  });
});

/** Of a client between its requests. */
const PAUSE_MS = 50;

/** Refreshes continuously; without a response, again with the same token. */
function refreshing(gateway: ApiClient, first: string) {
  const client = { count: 0, unanswered: 0, refused: [] as string[], stop };
  let token = first;
  let stopping = false;
  const running = (async () => {
    while (!stopping && client.refused.length === 0) {
      const { status, body } = await gateway.post("auth/refresh", { refresh_token: token });
      if (status === 200) {
        token = body.data.refresh_token;
        client.count += 1;
      } else if (status === 503) client.unanswered += 1;
      else client.refused.push(`${status} ${body.code}`);
      await sleep(PAUSE_MS);
    }
  })();
  // After a failed test nothing stops the clients, and the end of the mesh is not worth an error.
  running.catch(() => undefined);
  async function stop() {
    stopping = true;
    await running;
    const { body } = await requestUntilAnswered(() => gateway.post("auth/refresh", { refresh_token: token }));
    const { status } = await requestUntilAnswered(() => gateway.get("users/me", body.data?.access_token));
    return { refused: client.refused, good: status };
  }
  return client;
}
