import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { systemClock } from "../../../lib/runtime/clock.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import { auth, refusal, type SessionsService, startSessions } from "../../support/start/sessions-services.ts";

describe("all operations at once on one account", () => {
  let mesh: SessionsService;
  beforeAll(async () => {
    mesh = await startSessions();
  });
  afterAll(() => mesh.stop());

  test("do not deadlock", async () => {
    const outcomes = new Set<string>();
    for (let round = 0; round < 10; round += 1) for (const outcome of await storm()) outcomes.add(outcome);
    expect([...outcomes].filter((outcome) => !["nothing", "session_ended", "token_reused"].includes(outcome))).toEqual(
      [],
    );
  });

  async function storm(): Promise<string[]> {
    const { call } = mesh;
    const userId = newId(systemClock);
    const grants = await Promise.all(Array.from({ length: 12 }, () => mesh.signIn(userId)));
    await Promise.all(grants.slice(0, 4).map((grant) => mesh.refresh(grant.refresh_token)));
    await mesh.database.query("UPDATE sessions.sessions SET spent_at = '{}' WHERE user_id = $1", [userId]);
    const operation = () => ({ event_id: newId(systemClock) });
    return Promise.all(
      [
        ...grants.map((grant) => mesh.refresh(grant.refresh_token)),
        ...grants.map((grant) => call("sessions.logout", { refresh_token: grant.refresh_token })),
        call("sessions.revokeAll", { user_id: userId, ...operation() }, auth),
        call("sessions.bumpTokenVersion", { kind: "user", id: userId, ...operation() }, auth),
        call("sessions.revokeAll", { user_id: userId, ...operation() }, auth),
        mesh.signIn(userId),
      ].map(refusal),
    );
  }
});
