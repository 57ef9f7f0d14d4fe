import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { systemClock } from "../../../lib/runtime/clock.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import { auth, refusal, type SessionsService, startSessions, tenantId } from "../../support/start/sessions-services.ts";

const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

describe("the owner of sessions", () => {
  let mesh: SessionsService;
  beforeAll(async () => {
    mesh = await startSessions();
  });
  afterAll(() => mesh.stop());

  test("sees their live sessions with the devices, and which one is current", async () => {
    const id = newId(systemClock);
    const made = {
      id,
      user_id: newId(systemClock),
      tenant_id: tenantId,
      epoch: 0,
      amr: ["pwd"],
      device_name: "desk",
      ip: "192.0.2.7",
      user_agent: firefox,
    };
    const here = await mesh.call("sessions.create", made, auth);
    const ended = await mesh.signIn(here.user_id);
    const expired = await mesh.signIn(here.user_id);
    await mesh.call("sessions.logout", {}, mesh.callerOf(ended));
    await mesh.database.query("UPDATE sessions.sessions SET expires_at = clock_timestamp() WHERE id = $1", [
      expired.session_id,
    ]);
    await mesh.signIn();
    const mine = await mesh.call("sessions.listOwn", {}, mesh.callerOf(here));
    expect(mine).toHaveLength(1);
    expect(mine[0]).toMatchObject({
      id,
      device: { name: "desk", browser: "Firefox", os: "Linux", type: "desktop" },
      ip: "192.0.2.7",
      is_current: true,
    });
    expect(await mesh.call("sessions.get", { id, user_id: here.user_id }, auth)).toEqual({
      ...mine[0],
      is_current: false,
    });
  });

  test("cannot read a session of another user", async () => {
    const [mine, other] = [await mesh.signIn(), await mesh.signIn()];
    const get = (id: string, user_id: string) => mesh.call("sessions.get", { id, user_id }, auth);
    expect((await get(mine.session_id, mine.user_id))?.id).toBe(mine.session_id);
    expect(await get(other.session_id, mine.user_id)).toBeNull();
  });

  test("can revoke their own sessions, repeatedly, but not those of others", async () => {
    const mine = await mesh.signIn();
    const other = await mesh.signIn();
    const end = (id: string) => refusal(mesh.call("sessions.revokeOwn", { id }, mesh.callerOf(mine)));
    expect(await end(other.session_id)).toBe("not_found");
    expect(await refusal(mesh.refresh(other.refresh_token))).toBe("nothing");
    expect([await end(mine.session_id), await end(mine.session_id)]).toEqual(["nothing", "nothing"]);
    expect(await refusal(mesh.refresh(mine.refresh_token))).toBe("session_ended");
  });

  test("can revoke all of them, and gets their number", async () => {
    const one = await mesh.signIn();
    await mesh.signIn(one.user_id);
    expect(await mesh.call("sessions.logoutAll", {}, mesh.callerOf(one))).toEqual({ revoked: 2 });
    expect(await mesh.liveSessions(one.user_id)).toBe(0);
  });

  test("can log out with any genuine refresh token, even if it is spent or its session has ended", async () => {
    const { refresh_token, session_id } = await mesh.signIn();
    await mesh.refresh(refresh_token);
    await mesh.database.query("UPDATE sessions.sessions SET spent_at = '{}' WHERE id = $1", [session_id]);
    const out = (token: string) => refusal(mesh.call("sessions.logout", { refresh_token: token }));
    expect([await out(refresh_token), await out(refresh_token)]).toEqual(["nothing", "nothing"]);
    expect(await refusal(mesh.refresh(refresh_token))).toBe("session_ended");
    expect(await out(`${refresh_token.slice(0, -43)}${"A".repeat(43)}`)).toBe("refresh_token_invalid");
    expect(await refusal(mesh.call("sessions.logout", {}))).toBe("token_missing");
  });

  test("finds no trace of a session long after its end", async () => {
    const { session_id, refresh_token } = await mesh.signIn();
    const young = await mesh.signIn();
    await mesh.database.query("UPDATE sessions.sessions SET sweep_on = sweep_on - 9 WHERE id = $1", [session_id]);
    const swept = await mesh.call("sessions.sweep", {}, { kind: "service", name: "worker-maintenance" });
    expect(swept).toMatchObject({ sessions: 1 });
    expect(await refusal(mesh.refresh(refresh_token))).toBe("refresh_token_invalid");
    expect(await refusal(mesh.refresh(young.refresh_token))).toBe("nothing");
  });
});
