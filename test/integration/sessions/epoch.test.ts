import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Caller } from "../../../lib/actions/caller.ts";
import type { EventType } from "../../../lib/events/events.ts";
import { systemClock } from "../../../lib/runtime/clock.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import { auth, refusal, type SessionsService, startSessions, tenantId } from "../../support/start/sessions-services.ts";

const users: Caller = { kind: "service", name: "users" };
const id = (): string => newId(systemClock);

describe("the epoch of an account", () => {
  let mesh: SessionsService;
  beforeAll(async () => {
    mesh = await startSessions();
  });
  afterAll(() => mesh.stop());

  const epochOf = async (userId: string): Promise<number> =>
    (await mesh.call("sessions.epoch", { user_id: userId }, auth)).epoch;
  const create = (userId: string, epoch: number) =>
    mesh.call("sessions.create", { id: id(), user_id: userId, tenant_id: tenantId, epoch, amr: ["pwd"] }, auth);
  const revokeAll = (userId: string, more: { event_id?: string; except?: string } = {}) =>
    mesh.call("sessions.revokeAll", { user_id: userId, event_id: id(), ...more }, auth);
  const state = (type: EventType, userId: string, eventId: string, more: Record<string, string> = {}) =>
    mesh.platform.events.publish({
      event_id: eventId,
      event_type: type,
      source: "auth",
      version: 1,
      schema_version: 1,
      user_id: userId,
      tenant_id: tenantId,
      timestamp: new Date().toISOString(),
      correlation_id: "test",
      ...more,
    });

  test("is 0 for an account that never signed in", async () => {
    expect(await epochOf(id())).toBe(0);
  });

  test("that has moved since a sign-in began refuses its session", async () => {
    const userId = id();
    const epoch = await epochOf(userId);
    await revokeAll(userId);
    expect(await refusal(create(userId, epoch))).toBe("session_ended");
    expect(await mesh.liveSessions(userId)).toBe(0);
  });

  test("leaves no session of a sign-in that runs during revokeAll, 100 of 100, including an account's first", async () => {
    const left: number[] = [];
    const raceOf = async (userId: string) => {
      const epoch = await epochOf(userId);
      await Promise.all([
        create(userId, epoch).catch(() => undefined),
        revokeAll(userId),
        create(userId, epoch).catch(() => undefined),
      ]);
      return mesh.liveSessions(userId);
    };
    // Ten at a time: a revocation that is refused because the database pool is busy would show nothing.
    for (let round = 0; round < 10; round++)
      left.push(...(await Promise.all(Array.from({ length: 10 }, () => raceOf(id())))));
    expect(left).toEqual(Array(100).fill(0));
  });

  test("is not moved by a second session with the same id", async () => {
    const { session_id, user_id } = await mesh.signIn();
    const again = mesh.call(
      "sessions.create",
      { id: session_id, user_id, tenant_id: tenantId, epoch: 0, amr: ["pwd"] },
      auth,
    );
    expect(await refusal(again)).toBe("conflict");
    expect(await mesh.liveSessions(user_id)).toBe(1);
    expect((await mesh.outbox(user_id)).map((event) => event.event_type)).toEqual(["session.created"]);
  });

  test("is moved by revokeAll, which appends one event for all sessions", async () => {
    const first = await mesh.signIn();
    const second = await mesh.signIn(first.user_id);
    expect(await revokeAll(first.user_id)).toEqual({ revoked: 2 });
    expect(await refusal(mesh.refresh(first.refresh_token))).toBe("session_ended");
    const revoked = (await mesh.outbox(first.user_id)).filter((event) => event.event_type === "session.revoked");
    expect(revoked).toHaveLength(1);
    expect(revoked[0]).toMatchObject({
      session_ids: [first.session_id, second.session_id].sort(),
      tenant_id: tenantId,
    });
  });

  test("is moved by a password change, and the session that made the change survives", async () => {
    const here = await mesh.signIn();
    const there = await mesh.signIn(here.user_id);
    const epoch = await epochOf(here.user_id);
    await revokeAll(here.user_id, { except: here.session_id });
    expect(await refusal(mesh.refresh(there.refresh_token))).toBe("session_ended");
    expect(await refusal(mesh.refresh(here.refresh_token))).toBe("nothing");
    expect(await refusal(create(here.user_id, epoch))).toBe("session_ended");
  });

  test.each(["password.changed", "user.deactivated", "user.deleted"] as const)(
    "%s that comes after its call leaves the sign-in between alone",
    async (type) => {
      const before = await mesh.signIn();
      const eventId = id();
      await revokeAll(before.user_id, { event_id: eventId });
      const after = await mesh.signIn(before.user_id);
      await state(type, before.user_id, eventId);
      expect(await refusal(mesh.refresh(after.refresh_token))).toBe("nothing");
    },
  );

  test("is not moved by an old event that is redelivered", async () => {
    const { user_id, refresh_token } = await mesh.signIn();
    const timestamp = new Date(Date.now() - 31 * 86_400_000).toISOString();
    await state("password.changed", user_id, id(), { timestamp });
    expect(await epochOf(user_id)).toBe(0);
    expect(await refusal(mesh.refresh(refresh_token))).toBe("nothing");
  });

  test("is moved once by an erasure, whether by call, event or both, and no session can follow", async () => {
    for (const told of [["call"], ["event"], ["call", "event"], ["event", "call"]]) {
      const { user_id, refresh_token } = await mesh.signIn();
      const eventId = id();
      for (const one of told)
        if (one === "event") await state("user.erased", user_id, eventId);
        else await mesh.call("sessions.erase", { user_id, erasure_id: eventId }, users);
      expect([told, await epochOf(user_id), await mesh.liveSessions(user_id)]).toEqual([told, 1, 0]);
      expect(await refusal(mesh.refresh(refresh_token))).toBe("refresh_token_invalid");
      expect(await refusal(create(user_id, 0))).toBe("session_ended");
      expect(await refusal(create(user_id, 1))).toBe("conflict");
    }
  });

  test("is moved by the event if the call was lost", async () => {
    const kept = await mesh.signIn();
    const other = await mesh.signIn(kept.user_id);
    await state("password.changed", kept.user_id, id(), { except_session_id: kept.session_id });
    expect(await refusal(mesh.refresh(other.refresh_token))).toBe("session_ended");
    expect(await refusal(mesh.refresh(kept.refresh_token))).toBe("nothing");
    expect(await epochOf(kept.user_id)).toBe(1);
  });

  test("is moved once by a call and its event at the same moment", async () => {
    const { user_id } = await mesh.signIn();
    const eventId = id();
    await Promise.all([
      revokeAll(user_id, { event_id: eventId }),
      state("user.deactivated", user_id, eventId),
      revokeAll(user_id, { event_id: eventId }),
    ]);
    expect(await epochOf(user_id)).toBe(1);
  });
});

describe("the token versions", () => {
  let mesh: SessionsService;
  beforeAll(async () => {
    mesh = await startSessions();
  });
  afterAll(() => mesh.stop());

  const outdate = (kind: "user" | "tenant", key: string, eventId = id()) =>
    mesh.call("sessions.bumpTokenVersion", { kind, id: key, event_id: eventId }, auth);

  test("rise for an account, and its next token carries them", async () => {
    const { refresh_token, user_id, ver } = await mesh.signIn();
    expect(await outdate("user", user_id)).toEqual({ version: ver + 1 });
    expect(await mesh.refresh(refresh_token)).toMatchObject({ ver: ver + 1 });
    expect(
      await mesh.database.query("SELECT kind, value FROM sessions.revocation_log WHERE key = $1", [user_id]),
    ).toEqual([{ kind: "user", value: ver + 1 }]);
  });

  test("rise for all users of a tenant", async () => {
    const { refresh_token, tver } = await mesh.signIn();
    await outdate("tenant", tenantId);
    expect(await mesh.refresh(refresh_token)).toMatchObject({ tver: tver + 1 });
  });

  test("rise once for a call and its event", async () => {
    const { user_id } = await mesh.signIn();
    const eventId = id();
    const answers = await Promise.all([1, 2, 3].map(() => outdate("user", user_id, eventId)));
    expect(answers).toEqual(Array(3).fill({ version: 1 }));
  });
});
