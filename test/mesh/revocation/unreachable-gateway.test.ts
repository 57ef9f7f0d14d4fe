import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { Client } from "pg";
import { eventually } from "../../support/eventually.ts";
import { openSlowBody } from "../../support/fakes/slow-body.ts";
import { expectGood, newAccount, type SignedIn, verdictOf, verdicts } from "../../support/flows/session-endings.ts";
import { startMesh, type TestMesh } from "../../support/start/mesh.ts";
import {
  isLeaseAnswer,
  isLeaseQuestion,
  nothingOfRevocations,
  type RemoteGateway,
  startRemoteGateway,
} from "../../support/start/remote-gateway.ts";

const QUEUED = 40;
const LATE_BODIES = 10;
const PAUSE_MS = 3_300;
/** Heartbeats are sent every second; a node without one for 3 s is considered gone. */
const LONG_PAUSE_MS = 6_000;
/** Timeout of a lease request. */
const LATE_ANSWER_MS = 800;

describe("a gateway that can't be reached", () => {
  let mesh: TestMesh;
  let far: RemoteGateway;
  beforeAll(async () => {
    mesh = await startMesh({ processes: { gateway: 2, sessions: 2 } });
    far = await startRemoteGateway(mesh);
  });
  afterAll(async () => {
    await far?.stop();
    await mesh?.stop();
  });
  afterEach(async () => {
    far.resume();
    far.line.mend();
    if (!mesh.names().includes("sessions-1")) await mesh.restart("sessions-1");
    const [someone] = (await newAccount(mesh, 1)).sessions;
    await eventually(
      "it to be available again",
      async () => (await verdicts([far.api], [someone as SignedIn]))[0] === "200 ok",
    );
  });

  const signedIn = async (): Promise<SignedIn> => {
    const [session] = (await newAccount(mesh, 1)).sessions;
    await expectGood([...mesh.gateways, far.api], [session as SignedIn]);
    return session as SignedIn;
  };
  const logout = async ({ access }: SignedIn): Promise<string> =>
    verdictOf(await mesh.api.post("auth/logout", undefined, access));
  /** With the refresh token: the access token may already be rejected. */
  const logoutAgain = ({ refresh }: SignedIn): Promise<string> =>
    eventually("an answer", async () => {
      const verdict = verdictOf(await mesh.api.post("auth/logout", { refresh_token: refresh }));
      return !verdict.startsWith("503") && verdict;
    });
  const answerInFlight = async () => {
    far.line.rule((message) => (isLeaseAnswer(message) ? "waits" : "arrives"));
    await eventually("a response to its lease request", far.line.waiting, { every: 1 });
  };
  /** Its responses during this time. */
  const verdictsFor = async (ms: number, session: SignedIn): Promise<string[]> => {
    const seen = new Set<string>();
    for (const until = performance.now() + ms; performance.now() < until; )
      for (const verdict of await verdicts([far.api], [session])) seen.add(verdict);
    return [...seen];
  };

  test("accepts neither waiting requests nor late bodies when it was paused with a lease response in flight and continues 3.3 s later", async () => {
    const session = await signedIn();
    const bodies = await Promise.all(
      Array.from({ length: LATE_BODIES }, () => openSlowBody(far.api.url, session.access, { bio: "too late" })),
    );
    await answerInFlight();
    far.pause();
    const stoppedAt = performance.now();
    far.line.release(nothingOfRevocations);
    const ended = logout(session);
    const queued = Array.from({ length: QUEUED }, () => far.api.get("users/me", session.access));
    const late = bodies.map((body) => body.send());
    expect(await ended).toBe("200 ok");
    await sleep(stoppedAt + PAUSE_MS - performance.now());
    far.resume();
    const seen = [...(await Promise.all(queued)).map(verdictOf), ...(await Promise.all(late))];
    expect(seen).toHaveLength(QUEUED + LATE_BODIES);
    expect(seen.filter((verdict) => !isRefusal(verdict))).toEqual([]);
    expect(await mesh.database.query("SELECT 1 FROM users.users WHERE bio = 'too late'")).toEqual([]);
  });

  test("serves waiting requests after it was paused for longer than the heartbeat timeout", async () => {
    const { email } = await newAccount(mesh, 1);
    far.pause();
    const queued = Array.from({ length: QUEUED }, () => far.api.post("auth/password-reset-request", { email }));
    await sleep(LONG_PAUSE_MS);
    far.resume();
    expect(new Set((await Promise.all(queued)).map(verdictOf))).toEqual(new Set(["202 ok"]));
  });

  test("gets no extra time from a lease that arrives late", async () => {
    const session = await signedIn();
    await answerInFlight();
    await sleep(LATE_ANSWER_MS);
    far.line.release((message) => (isLeaseQuestion(message) ? "is lost" : nothingOfRevocations(message)));
    expect(await logout(session)).toBe("200 ok");
    expect(await verdictsFor(LATE_ANSWER_MS, session)).toEqual(["503 service_unavailable"]);
  });

  test("that is slow delays the sign-out until it has acknowledged", async () => {
    far.line.slow(400);
    for (let round = 0; round < 3; round += 1) {
      const session = await signedIn();
      expect(await logout(session)).toBe("200 ok");
      expect(await verdicts([far.api], [session])).toEqual(["401 session_ended"]);
    }
  });

  test("is waited for again when a sign-out is retried after its sessions node was killed", async () => {
    const sessions = await Promise.all(Array.from({ length: 4 }, signedIn));
    far.line.rule(nothingOfRevocations);
    const first = Promise.all(sessions.map(async (session) => ({ session, verdict: await logout(session) })));
    const ids = sessions.map(({ session }) => session);
    await eventually("all to be committed", async () => {
      const sql = "SELECT 1 FROM sessions.sessions WHERE id = ANY($1::uuid[]) AND revoked_at IS NOT NULL";
      return (await mesh.database.query(sql, [ids])).length === ids.length;
    });
    await mesh.kill("sessions-1");
    // Requests at the other node wait for the lease to expire meanwhile.
    const repeated = await Promise.all(
      sessions.map(async (session) => ({
        answer: await logoutAgain(session),
        verdict: (await verdicts([far.api], [session]))[0] ?? "",
      })),
    );
    expect((await first).filter(({ verdict }) => verdict.startsWith("503")).length).toBeGreaterThan(0);
    expect(repeated.map(({ answer }) => answer)).toEqual(sessions.map(() => "200 ok"));
    expect(repeated.filter(({ verdict }) => !isRefusal(verdict))).toEqual([]);
  });

  test("gets no lease that misses a revocation in progress", async () => {
    const session = await signedIn();
    far.line.rule((message) => (isLeaseQuestion(message) ? "is lost" : "arrives"));
    await eventually("it to be without a lease", async () => (await verdicts([far.api], [session]))[0] !== "200 ok");
    const held = await holdLeaseOf(mesh, far.nodeId);
    far.line.mend();
    await eventually("its lease request to be running", () => waits(mesh, "transactionid"), { every: 5 });
    let answered = false;
    const ended = logout(session).finally(() => {
      answered = true;
    });
    await eventually(
      "the sign-out to wait, or to have completed",
      async () => answered || (await waits(mesh, "advisory")),
      {
        every: 5,
      },
    );
    await held.release();
    expect(await ended).toBe("200 ok");
    expect((await verdictsFor(600, session)).filter((verdict) => !isRefusal(verdict))).toEqual([]);
  });
});

function isRefusal(verdict: string): boolean {
  return verdict === "401 session_ended" || verdict === "503 service_unavailable";
}

/** Locks the row of its lease, so that a request stops after reading the revocation log and before it is granted. */
async function holdLeaseOf(mesh: TestMesh, nodeId: string): Promise<{ release(): Promise<void> }> {
  const client = new Client({ connectionString: mesh.database.url });
  await client.connect();
  await client.query("BEGIN");
  await client.query("SELECT 1 FROM sessions.leases WHERE node_id = $1 FOR UPDATE", [nodeId]);
  return {
    async release() {
      await client.query("COMMIT");
      await client.end();
    },
  };
}

async function waits(mesh: TestMesh, kind: "advisory" | "transactionid"): Promise<boolean> {
  const sql = `SELECT 1 FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE NOT l.granted AND l.locktype = $1 AND a.datname = current_database()`;
  return (await mesh.database.query(sql, [kind])).length > 0;
}
