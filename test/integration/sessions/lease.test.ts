import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Actions } from "../../../lib/actions/typed-call.ts";
import { eventually } from "../../support/eventually.ts";
import {
  connect,
  foreign,
  gateway,
  refusal,
  type SessionsService,
  startSessions,
} from "../../support/start/sessions-services.ts";

type Answer = Actions["sessions.renewLease"]["result"];

describe("a lease", () => {
  let mesh: SessionsService;
  beforeAll(async () => {
    mesh = await startSessions();
  });
  afterAll(() => mesh.stop());

  const ask = (since: number, gatewayId = randomUUID(), caller = gateway): Promise<Answer> =>
    mesh.call(
      "sessions.renewLease",
      { gateway_id: gatewayId, node_id: "node", action: "gateway.applyRevocations", since },
      caller,
    );
  const newest = async (): Promise<number> =>
    Number((await mesh.database.query("SELECT last_seq FROM sessions.revocation_log_state"))[0]?.last_seq);
  const holds = async (gatewayId: string): Promise<boolean> =>
    (
      await mesh.database.query("SELECT 1 FROM sessions.leases WHERE gateway_id = $1 AND until > clock_timestamp()", [
        gatewayId,
      ])
    ).length === 1;
  const append = (keys: readonly string[]) =>
    mesh.database.query("SELECT sessions.append_revocations('session', $1, NULL)", [keys]);
  const keysOf = (answer: Answer): string[] => answer.changes.map((change) => change.key);

  test("comes with every entry since the last renewal, in order, and no others", async () => {
    const seq = await newest();
    const keys = [randomUUID(), randomUUID(), randomUUID()];
    await append(keys);
    const answer = await ask(seq);
    expect(answer).toMatchObject({ granted: true, full: false, seq: seq + 3 });
    expect(keysOf(answer)).toEqual(keys);
    expect((await ask(answer.seq)).changes).toEqual([]);
  });

  test("is granted with the last page only", async () => {
    const seq = await newest();
    await append(Array.from({ length: 5_001 }, () => randomUUID()));
    const gatewayId = randomUUID();
    const first = await ask(seq, gatewayId);
    expect([first.granted, first.changes.length, await holds(gatewayId)]).toEqual([false, 5_000, false]);
    const second = await ask(first.seq, gatewayId);
    expect([second.granted, second.changes.length, await holds(gatewayId)]).toEqual([true, 1, true]);
  });

  test("is granted with a last page that is exactly full", async () => {
    const seq = await newest();
    await append(Array.from({ length: 5_000 }, () => randomUUID()));
    expect(await ask(seq)).toMatchObject({ granted: true, seq: seq + 5_000 });
  });

  test("comes with all entries if the position is older than the log, or newer after a restore from backup", async () => {
    const [old, kept] = [randomUUID(), randomUUID()];
    const seq = await newest();
    await append([old]);
    await mesh.database.query("UPDATE sessions.revocation_log SET at = at - interval '2 days'");
    await append([kept]);
    await mesh.call("sessions.sweep", {}, { kind: "service", name: "worker-maintenance" });
    for (const since of [seq, 999_999_999]) {
      const answer = await ask(since);
      expect(answer).toMatchObject({ granted: true, full: true, seq: seq + 2 });
      expect(keysOf(answer)).toEqual([kept]);
    }
    expect(await ask(seq + 1)).toMatchObject({ full: false });
  });

  test("waits for a revocation that is being committed, so that neither misses the other", async () => {
    const since = await newest();
    const [ended, gatewayId] = [randomUUID(), randomUUID()];
    const revoker = await connect(mesh.database.url);
    await revoker.query("BEGIN");
    await revoker.query("SELECT sessions.append_revocations('session', ARRAY[$1], NULL)", [ended]);
    const asked = ask(since, gatewayId);
    await eventually(
      "a question at the lock",
      async () =>
        (await mesh.database.query("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")).length === 1,
    );
    expect(await holds(gatewayId)).toBe(false);
    await revoker.query("COMMIT");
    await revoker.end();
    expect(keysOf(await asked)).toEqual([ended]);
  });

  test("never skips an entry, however many are committed while it is read", async () => {
    const made: string[] = [];
    const read = Array.from({ length: 4 }, () => new Set<string>());
    const seq = await newest();
    let done = false;
    const readers = read.map(async (seen) => {
      for (let since = seq, last = false; !last; ) {
        last = done;
        const answer = await ask(since);
        for (const key of keysOf(answer)) seen.add(key);
        since = answer.seq;
      }
    });
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        for (let i = 0; i < 40; i += 1) {
          const { session_id, user_id } = await mesh.signIn();
          await mesh.database.query("SELECT sessions.revoke_session($1, $2, 'test', $3)", [
            session_id,
            user_id,
            JSON.stringify({ event_id: randomUUID() }),
          ]);
          made.push(session_id);
        }
      }),
    );
    done = true;
    await Promise.all(readers);
    for (const seen of read) expect(made.filter((key) => !seen.has(key))).toEqual([]);
  });

  test("is granted to an external service with the permission, and to no other caller", async () => {
    expect(await refusal(ask(0, randomUUID(), foreign))).toBe("nothing");
    expect(await refusal(ask(0, randomUUID(), { kind: "service", name: "stranger" }))).toBe("forbidden");
    expect(await refusal(ask(0, randomUUID(), { kind: "anonymous", tenant: "default" }))).toBe("forbidden");
  });
});
