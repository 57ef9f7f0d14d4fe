import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Client } from "pg";
import { systemClock } from "../../../lib/runtime/clock.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import { createLeaseHolder, type LeaseHolder } from "../../../mixins/lease-holder.mixin.ts";
import { eventually } from "../../support/eventually.ts";
import {
  auth,
  connect,
  plantSilentHolder,
  refusal,
  type SessionsService,
  startSessions,
  tenantId,
} from "../../support/start/sessions-services.ts";

const LEASE_MS = 3_000;

describe("a revocation", () => {
  let mesh: SessionsService;
  let holder: LeaseHolder;
  beforeAll(async () => {
    mesh = await startSessions();
    holder = createLeaseHolder(mesh.platform, { service: "probe", action: "probe.applyRevocations" });
    mesh.broker.createService({
      name: "probe",
      mixins: [holder.mixin],
      actions: {
        applyRevocations: (ctx: { params: Parameters<LeaseHolder["applyEntries"]>[0] }) =>
          holder.applyEntries(ctx.params),
      },
    });
    await eventually("the first lease", () => holder.isHeld());
  });
  afterAll(() => mesh.stop());

  const logout = (grant: { user_id: string; session_id: string }) =>
    mesh.call("sessions.logout", {}, mesh.callerOf(grant));
  const verdict = ({
    session_id,
    user_id,
    ver,
    tver,
  }: {
    session_id: string;
    user_id: string;
    ver: number;
    tver: number;
  }) => holder.check({ sid: session_id, sub: user_id, tid: tenantId, ver, tver });

  test("has reached a live lease holder when it responds, 100 of 100, without waiting for the lease to expire", async () => {
    const grants = await Promise.all(Array.from({ length: 100 }, () => mesh.signIn()));
    expect(grants.map(verdict)).toEqual(Array(100).fill(null));
    const times: number[] = [];
    const seen: unknown[] = [];
    for (const grant of grants) {
      const startedAt = performance.now();
      await logout(grant);
      seen.push(verdict(grant));
      times.push(performance.now() - startedAt);
    }
    expect(seen).toEqual(Array(100).fill("session_ended"));
    // The quickest, since a busy machine delays some of them.
    expect(Math.min(...times)).toBeLessThan(LEASE_MS / 3);
  });

  test("makes tokens stale that were signed before it, but none signed after it", async () => {
    const grant = await mesh.signIn();
    const { version } = await mesh.call(
      "sessions.bumpTokenVersion",
      { kind: "user", id: grant.user_id, event_id: newId(systemClock) },
      auth,
    );
    expect(verdict(grant)).toBe("token_stale");
    expect(verdict({ ...grant, ver: version })).toBeNull();
  });

  test("reaches a lease holder that missed the call with its next renewal", async () => {
    const grant = await mesh.signIn();
    await mesh.database.query("SELECT sessions.append_revocations('session', ARRAY[$1], NULL)", [grant.session_id]);
    await eventually("the next question", () => verdict(grant) === "session_ended");
  });

  test("waits for an unresponsive lease holder until its lease expires, and not longer", async () => {
    const grant = await mesh.signIn();
    const silent = await plantSilentHolder(mesh.database, 1_200);
    const startedAt = performance.now();
    await logout(grant);
    expect(await silent.holdsLease()).toBe(false);
    expect(performance.now() - startedAt).toBeLessThan(LEASE_MS);
  });

  test("waits for the lease of a crashed process even if another one responds under its node id", async () => {
    const grant = await mesh.signIn();
    const gone = await plantSilentHolder(mesh.database, 1_200);
    await mesh.database.query(
      "UPDATE sessions.leases SET node_id = $2, action = 'probe.applyRevocations' WHERE gateway_id = $1",
      [gone.gatewayId, mesh.broker.nodeID],
    );
    await logout(grant);
    expect(await gone.holdsLease()).toBe(false);
  });

  test("does not wait for a lease that has expired", async () => {
    const grant = await mesh.signIn();
    await plantSilentHolder(mesh.database, -1);
    const startedAt = performance.now();
    await logout(grant);
    expect(performance.now() - startedAt).toBeLessThan(LEASE_MS);
  });

  test("that is repeated waits for the lease holders again", async () => {
    const grant = await mesh.signIn();
    await logout(grant);
    const silent = await plantSilentHolder(mesh.database, 1_000);
    await logout(grant);
    expect(await silent.holdsLease()).toBe(false);
    expect((await mesh.outbox(grant.user_id)).filter((event) => event.event_type === "session.revoked")).toHaveLength(
      1,
    );
  });

  test("that is repeated after all earlier leases have expired does not wait", async () => {
    const grant = await mesh.signIn();
    await logout(grant);
    await mesh.database.query("UPDATE sessions.revocation_log SET at = at - interval '3.3 s' WHERE key = $1", [
      grant.session_id,
    ]);
    const silent = await plantSilentHolder(mesh.database, 20_000);
    await logout(grant);
    expect(await silent.holdsLease()).toBe(true);
    await mesh.database.query("DELETE FROM sessions.leases WHERE gateway_id = $1", [silent.gatewayId]);
  });

  test.each(["logoutAll", "revokeAll", "bumpTokenVersion"] as const)(
    "by %s that is repeated waits too",
    async (how) => {
      const grant = await mesh.signIn();
      const eventId = newId(systemClock);
      const act = (): Promise<unknown> => {
        if (how === "logoutAll") return mesh.call("sessions.logoutAll", {}, mesh.callerOf(grant));
        if (how === "revokeAll")
          return mesh.call("sessions.revokeAll", { user_id: grant.user_id, event_id: eventId }, auth);
        return mesh.call("sessions.bumpTokenVersion", { kind: "user", id: grant.user_id, event_id: eventId }, auth);
      };
      await act();
      const silent = await plantSilentHolder(mesh.database, 800);
      await act();
      expect(await silent.holdsLease()).toBe(false);
    },
  );

  test("for a reused token has reached every lease holder when the thief gets a response", async () => {
    const grant = await mesh.signIn();
    const next = await mesh.refresh(grant.refresh_token);
    await mesh.database.query("UPDATE sessions.sessions SET spent_at = '{}' WHERE id = $1", [grant.session_id]);
    expect(await refusal(mesh.refresh(grant.refresh_token))).toBe("token_reused");
    expect(verdict(next)).toBe("session_ended");
  });

  test("is committed but reported as pending if the lease holders cannot be read", async () => {
    const grant = await mesh.signIn();
    await mesh.database.query("ALTER TABLE sessions.leases RENAME TO leases_away");
    const answer = await refusal(logout(grant));
    await mesh.database.query("ALTER TABLE sessions.leases_away RENAME TO leases");
    expect(answer).toBe("revocation_pending");
    expect(await refusal(mesh.refresh(grant.refresh_token))).toBe("session_ended");
    expect(await refusal(logout(grant))).toBe("nothing");
  });

  test("waits at most 2 s for a node that is paused inside its transaction", async () => {
    const grant = await mesh.signIn();
    const paused = await pausedUnder(
      mesh.database.url,
      "SELECT pg_advisory_xact_lock(hashtextextended('usermesh-revocation-log', 0))",
    );
    // Its `lock_timeout` of 2 s makes the statement fail otherwise.
    await logout(grant);
    await paused.end().catch(() => undefined);
    expect(verdict(grant)).toBe("session_ended");
  });

  test("of a session whose row is locked by a paused node waits at most 2 s", async () => {
    const grant = await mesh.signIn();
    const paused = await pausedUnder(
      mesh.database.url,
      `SELECT 1 FROM sessions.sessions WHERE id = '${grant.session_id}' FOR UPDATE`,
    );
    await mesh.call("sessions.logoutAll", {}, mesh.callerOf(grant));
    await paused.end().catch(() => undefined);
    expect(verdict(grant)).toBe("session_ended");
  });

  test("does not wait for a lease holder that was stopped, which accepts nothing", async () => {
    const leaving = createLeaseHolder(mesh.platform, { service: "probe", action: "leaving.applyRevocations" });
    const service = mesh.broker.createService({ name: "leaving", mixins: [leaving.mixin] });
    await eventually("its first lease", () => leaving.isHeld());
    await mesh.broker.destroyService(service);
    const left = await mesh.database.query("SELECT 1 FROM sessions.leases WHERE action = 'leaving.revoked'");
    expect(left).toEqual([]);
    expect(leaving.check({ sid: "s", sub: "u", tid: tenantId, ver: 0, tver: 0 })).toBe("no_lease");
  });
});

/** A node that takes a lock and then pauses. */
async function pausedUnder(ownerUrl: string, sql: string): Promise<Client> {
  const client = await connect(ownerUrl);
  await client.query("BEGIN");
  await client.query(sql);
  return client;
}
