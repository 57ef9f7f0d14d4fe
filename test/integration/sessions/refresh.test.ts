import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { refusal, type SessionsService, startSessions } from "../../support/start/sessions-services.ts";

const key = (): string => randomBytes(32).toString("base64url");

describe("a refresh", () => {
  let mesh: SessionsService;
  beforeAll(async () => {
    mesh = await startSessions();
  });
  afterAll(() => mesh.stop());

  const rowOf = async (id: string): Promise<Record<string, unknown>> =>
    (await mesh.database.query("SELECT * FROM sessions.sessions WHERE id = $1", [id]))[0] ?? {};

  /** Moves the times at which the session's tokens were spent into the past. */
  const age = (id: string, seconds: number) =>
    mesh.database.query(
      `UPDATE sessions.sessions SET spent_at = ARRAY(SELECT at - $2::int * interval '1 s' FROM unnest(spent_at) WITH ORDINALITY AS spent (at, n) ORDER BY n) WHERE id = $1`,
      [id, seconds],
    );

  async function refreshTimes(token: string, times: number): Promise<string[]> {
    const tokens = [token];
    for (let i = 0; i < times; i += 1) tokens.push((await mesh.refresh(tokens.at(-1) ?? "")).refresh_token);
    return tokens;
  }

  test("yields the next token of the same session", async () => {
    const first = await mesh.signIn();
    const second = await mesh.refresh(first.refresh_token);
    expect(second).toMatchObject({
      session_id: first.session_id,
      user_id: first.user_id,
      auth_time: first.auth_time,
      amr: ["pwd"],
    });
    expect(second.refresh_token).not.toBe(first.refresh_token);
    expect(await rowOf(first.session_id)).toMatchObject({ counter: "1" });
  });

  test("made 50 times at once with one token yields one successor", async () => {
    const { refresh_token, session_id } = await mesh.signIn();
    const answers = await Promise.all(Array.from({ length: 50 }, () => mesh.refresh(refresh_token)));
    expect(new Set(answers.map((one) => one.refresh_token)).size).toBe(1);
    expect(await rowOf(session_id)).toMatchObject({ counter: "1", revoked_at: null });
    expect(await refusal(mesh.refresh(answers[0]?.refresh_token ?? ""))).toBe("nothing");
  });

  test("with the latest spent token in its grace period yields the same successor and changes nothing else", async () => {
    const { refresh_token, session_id } = await mesh.signIn();
    const next = await mesh.refresh(refresh_token);
    await age(session_id, 29);
    const { last_used_at: _, ...before } = await rowOf(session_id);
    const again = await mesh.refresh(refresh_token);
    expect(again.refresh_token).toBe(next.refresh_token);
    expect(await rowOf(session_id)).toMatchObject(before);
  });

  test("with an older token in its own grace period is refused, and the session goes on", async () => {
    const { refresh_token, session_id, user_id } = await mesh.signIn();
    const [oldest = "", , newest = ""] = await refreshTimes(refresh_token, 2);
    const before = await rowOf(session_id);
    expect(await refusal(mesh.refresh(oldest))).toBe("token_superseded");
    expect(await rowOf(session_id)).toEqual(before);
    expect((await mesh.outbox(user_id)).map((event) => event.event_type)).toEqual(["session.created"]);
    expect(await refusal(mesh.refresh(newest))).toBe("nothing");
  });

  test("with a spent token after its grace period ends the session", async () => {
    const { refresh_token, session_id, user_id } = await mesh.signIn();
    const next = await mesh.refresh(refresh_token);
    await age(session_id, 31);
    expect(await refusal(mesh.refresh(refresh_token))).toBe("token_reused");
    expect(await refusal(mesh.refresh(next.refresh_token))).toBe("session_ended");
    const events = await mesh.outbox(user_id);
    expect(events.map((event) => event.event_type)).toEqual(["session.created", "token.reused", "session.revoked"]);
    expect(events[1]).toMatchObject({ session_id, user_id, source: "sessions", version: 2 });
    expect(events[2]).toMatchObject({ session_ids: [session_id], reason: "token_reused", version: 3 });
    expect(await mesh.database.query("SELECT kind FROM sessions.revocation_log WHERE key = $1", [session_id])).toEqual([
      { kind: "session" },
    ]);
  });

  test("applies the grace period of the token itself, not that of a later one", async () => {
    const { refresh_token, session_id } = await mesh.signIn();
    const [oldest = "", second = ""] = await refreshTimes(refresh_token, 1);
    await age(session_id, 31);
    await mesh.refresh(second);
    expect(await refusal(mesh.refresh(oldest))).toBe("token_reused");
  });

  test("recognizes the last sixteen spent tokens", async () => {
    const { refresh_token } = await mesh.signIn();
    const tokens = await refreshTimes(refresh_token, 17);
    expect(await refusal(mesh.refresh(tokens[1] ?? ""))).toBe("token_superseded");
    expect(await refusal(mesh.refresh(tokens[0] ?? ""))).toBe("token_reused");
  });

  test("with a stolen token gets the same error when it is repeated, and appends one event", async () => {
    const { refresh_token, session_id, user_id } = await mesh.signIn();
    await mesh.refresh(refresh_token);
    await age(session_id, 31);
    const answers = await Promise.all(Array.from({ length: 5 }, () => refusal(mesh.refresh(refresh_token))));
    expect(answers).toEqual(Array(5).fill("token_reused"));
    expect((await mesh.outbox(user_id)).filter((event) => event.event_type === "token.reused")).toHaveLength(1);
  });

  test("with a forged token changes nothing", async () => {
    const { refresh_token, session_id } = await mesh.signIn();
    await mesh.refresh(refresh_token);
    const other = await mesh.signIn();
    const before = await rowOf(session_id);
    const [version, kid, , counter, mac] = refresh_token.split(".");
    const forged = [
      `${version}.${kid}.${other.session_id}.${counter}.${mac}`,
      `${version}.${kid}.${session_id}.7.${mac}`,
      `${version}.k9.${session_id}.${counter}.${mac}`,
      `${version}.${kid}.${session_id}.${counter}.${"A".repeat(43)}`,
      `${version}.${kid}.0198f7a2-6a3c-7cc1-a2f4-3b1c9d0e5f60.${counter}.${mac}`,
      "nonsense",
    ];
    for (const token of forged) expect(await refusal(mesh.refresh(token))).toBe("refresh_token_invalid");
    expect(await rowOf(session_id)).toEqual(before);
  });

  test("is refused if the session was idle for too long", async () => {
    const { refresh_token, session_id } = await mesh.signIn();
    await mesh.database.query("UPDATE sessions.sessions SET expires_at = clock_timestamp() WHERE id = $1", [
      session_id,
    ]);
    expect(await refusal(mesh.refresh(refresh_token))).toBe("session_ended");
  });

  test("does not extend a session beyond its absolute lifetime, however often it is made", async () => {
    const { refresh_token, session_id } = await mesh.signIn();
    await mesh.database.query("UPDATE sessions.sessions SET max_expires_at = clock_timestamp() WHERE id = $1", [
      session_id,
    ]);
    const last = await mesh.refresh(refresh_token);
    expect(last.refresh_expires_in).toBe(0);
    expect(await refusal(mesh.refresh(last.refresh_token))).toBe("session_ended");
  });

  test("extends the idle limit, never the absolute one", async () => {
    const { refresh_token, session_id } = await mesh.signIn();
    await mesh.database.query("UPDATE sessions.sessions SET expires_at = expires_at - interval '1 day' WHERE id = $1", [
      session_id,
    ]);
    const before = await rowOf(session_id);
    await mesh.refresh(refresh_token);
    const after = await rowOf(session_id);
    expect(Number(after.expires_at) - Number(before.expires_at)).toBeGreaterThan(86_400_000 - 1);
    expect(after.max_expires_at).toEqual(before.max_expires_at);
  });

  test("with a key that this node does not have yet is a 503, also for a session that it has refreshed before", async () => {
    const first = await mesh.signIn();
    const { refresh_token, session_id } = await mesh.refresh(first.refresh_token);
    await mesh.database.query("UPDATE sessions.sessions SET kid = 'k9' WHERE id = $1", [session_id]);
    const unknown = refresh_token.replace(/^v1\.[^.]+/, "v1.k9");
    expect(await refusal(mesh.refresh(unknown))).toBe("service_unavailable");
  });

  test("of a session whose row was deleted after an earlier refresh is refused", async () => {
    const first = await mesh.signIn();
    const second = await mesh.refresh(first.refresh_token);
    await mesh.database.query("DELETE FROM sessions.sessions WHERE id = $1", [first.session_id]);
    expect(await refusal(mesh.refresh(second.refresh_token))).toBe("refresh_token_invalid");
    expect(await refusal(mesh.as("auth", "sessions.logout", { refresh_token: second.refresh_token }))).toBe(
      "refresh_token_invalid",
    );
  });
});

describe("a new key of the ring", () => {
  test("derives the next token, and a node that still prefers the old key yields the same token again", async () => {
    const [k1, k2] = [key(), key()];
    const old = await startSessions({ SECRET_KEY: `k1:${k1},k2:${k2}` });
    const rolled = await startSessions({ SECRET_KEY: `k2:${k2},k1:${k1}`, DATABASE_URL: old.database.url });
    try {
      const { refresh_token } = await old.signIn();
      const next = await rolled.refresh(refresh_token);
      expect(next.refresh_token).toMatch(/^v1\.k2\./);
      expect((await old.refresh(refresh_token)).refresh_token).toBe(next.refresh_token);
      expect((await old.refresh(next.refresh_token)).refresh_token).toMatch(/^v1\.k1\./);
    } finally {
      await rolled.stop();
      await old.stop();
    }
  });
});
