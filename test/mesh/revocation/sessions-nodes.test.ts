import { randomInt, randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { Client } from "pg";
import { callAsService } from "../../../lib/actions/typed-call.ts";
import { systemClock } from "../../../lib/runtime/clock.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import type { Answer } from "../../support/clients/api-client.ts";
import { eventually } from "../../support/eventually.ts";
import { type Account, adminOf, endings, newAccount, verdicts } from "../../support/flows/session-endings.ts";
import { startBroker } from "../../support/start/broker.ts";
import { startMesh, type TestMesh } from "../../support/start/mesh.ts";
import { connect } from "../../support/start/sessions-services.ts";

const KILLS = 6;
const PEOPLE_AT_ONCE = 4;
/** Revocations a client can retry until they are answered. */
const repeatable = [
  "POST /auth/logout",
  "DELETE /auth/sessions/{id}",
  "a disabled account",
  "a changed password",
  "a reset password",
];

describe("with failing sessions nodes", () => {
  let mesh: TestMesh;
  let admin: string;
  beforeAll(async () => {
    mesh = await startMesh({ processes: { gateway: 2, sessions: 2 } });
    admin = await adminOf(mesh);
  });
  afterAll(() => mesh.stop());

  test("no revoked token is accepted, although nodes are killed and restarted at random", async () => {
    const seen = new Map<string, number>();
    let killing = true;
    const person = async (kind: string): Promise<void> => {
      const ending = endings[kind] as (typeof endings)[string];
      const account = await eventually("an account", () => newAccount(mesh, 2));
      const key = randomUUID();
      const api = mesh.gateways[randomInt(2)] ?? mesh.api;
      await untilAnswered(() => ending.end({ running: mesh, api, admin, key }, account));
      for (const verdict of await verdicts(mesh.gateways, ending.ended(account)))
        seen.set(verdict, (seen.get(verdict) ?? 0) + 1);
    };
    const people = Array.from({ length: PEOPLE_AT_ONCE }, async (_, n) => {
      for (let turn = n; killing; turn += 1) await person(repeatable[turn % repeatable.length] as string);
    });
    for (let kill = 0; kill < KILLS; kill += 1) {
      const name = `sessions-${randomInt(1, 3)}`;
      await eventually("a random moment", () => randomInt(12) === 0);
      await mesh.kill(name);
      await mesh.restart(name);
    }
    killing = false;
    await Promise.all(people);
    expect(
      [...seen.keys()].filter((verdict) => !/^(401 session_ended|503 service_unavailable)$/.test(verdict)),
    ).toEqual([]);
    expect(seen.get("401 session_ended")).toBeGreaterThan(50);
  });

  test("a node continues if the other is paused in the middle of a revocation", async () => {
    const { broker, stoppedNode, otherNode } = await join(mesh);
    const call = callAsService(broker, "auth", newId(systemClock));
    const revokeAll = ({ id }: Account, nodeId: string) =>
      call("sessions.revokeAll", { user_id: id, event_id: newId(systemClock) }, { nodeId });
    const accounts = await Promise.all(Array.from({ length: 6 }, () => newAccount(mesh, 1)));
    const inside = accounts.slice(0, 3);
    const feed = await holdFeed(mesh);
    const stuck = inside.map((account) => revokeAll(account, stoppedNode).catch(() => undefined));
    await eventually("three revocations to have their locks", async () => (await waiting(mesh)) === inside.length);
    mesh.pause("sessions-1");
    await feed.release();
    // Including the same accounts: the paused node's work is found done, or is done.
    await Promise.all(accounts.map((account) => revokeAll(account, otherNode)));
    const sessions = accounts.flatMap((account) => account.sessions);
    expect(await verdicts(mesh.gateways, sessions)).toEqual(Array(12).fill("401 session_ended"));
    mesh.resume("sessions-1");
    await Promise.all(stuck);
    await broker.stop();
  });

  test("the other nodes continue if one is paused inside a transaction", async () => {
    const [held, free] = await Promise.all([newAccount(mesh, 1), newAccount(mesh, 1)]);
    const silent = await connect(mesh.database.url);
    await silent.query("BEGIN");
    await silent.query("SELECT sessions.revoke_session($1, $2, 'test', $3)", [
      held.sessions[0]?.session,
      held.id,
      JSON.stringify({ event_id: randomUUID() }),
    ]);
    const answers = [held, free].map(({ sessions }, n) =>
      mesh.gateways[n]?.post("auth/logout", undefined, sessions[0]?.access),
    );
    expect((await Promise.all(answers)).map((answer) => answer?.status)).toEqual([200, 200]);
    expect(await verdicts(mesh.gateways, [...held.sessions, ...free.sessions])).toEqual(
      Array(4).fill("401 session_ended"),
    );
    await silent.end().catch(() => undefined);
  });
});

/** Retries like a client. */
async function untilAnswered(act: () => Promise<Answer>): Promise<void> {
  const answer = await eventually(
    "an answer",
    async () => {
      const one = await act();
      return one.status < 500 && one;
    },
    { every: 100 },
  );
  expect([answer.status, answer.body.code]).toEqual([200, undefined]);
}

/** A bus client that knows which node is which process. */
async function join(mesh: TestMesh) {
  const broker: ServiceBroker = await startBroker({ env: { NATS_URL: mesh.nats.url } });
  await broker.waitForServices("sessions", 5_000, 20);
  const nodes = await eventually("both nodes", () => {
    const found = broker.registry.actions.get("sessions.revokeAll")?.endpoints.map((one) => one.id) ?? [];
    return found.length === 2 && found;
  });
  const [first = ""] = nodes;
  const { process } = (await broker.call("$node.health", {}, { nodeID: first })) as { process: { pid: number } };
  const stoppedNode = process.pid === mesh.pid("sessions-1") ? first : (nodes[1] ?? "");
  return { broker, stoppedNode, otherNode: nodes.find((node) => node !== stoppedNode) ?? "" };
}

/** Prevents revocations from being numbered; those that have started keep their other locks. */
async function holdFeed(mesh: TestMesh): Promise<{ release(): Promise<void> }> {
  const client = new Client({ connectionString: mesh.database.url });
  await client.connect();
  await client.query("BEGIN");
  await client.query("SELECT pg_advisory_xact_lock(hashtextextended('usermesh-revocation-log', 0))");
  return {
    async release() {
      await client.query("COMMIT");
      await client.end();
    },
  };
}

/** The number of revocations waiting for their number. */
async function waiting(mesh: TestMesh): Promise<number> {
  const sql = `SELECT 1 FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE NOT l.granted AND l.locktype = 'advisory' AND l.mode = 'ExclusiveLock' AND a.datname = current_database()`;
  return (await mesh.database.query(sql)).length;
}
