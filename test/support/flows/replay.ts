import { expect, test } from "@jest/globals";
import type { MeshEvent } from "../../../lib/events/events.ts";
import type { Installation } from "../start/installation.ts";
import { mailTo, register, signIn } from "./main-flow.ts";

const sources = ["users", "auth", "sessions", "preferences"];

/** What holds of events that come a second time, wherever it runs. */
export function describeReplay(running: () => Installation): void {
  test("events of an account that are delivered again have no effect", async () => {
    const account = await register(running());
    await mailTo(running(), account.email, /verify-email/);
    const { id } = account;
    const first = await signIn(running(), account);
    expect((await running().api.post("users/me/upgrade", {}, first.access)).status).toBe(200);
    const { access } = await signIn(running(), account);
    const body = { current_password: account.password, new_password: `${account.password}-new` };
    expect((await running().api.post("auth/change-password", body, access)).status).toBe(200);
    const after = await signIn(running(), { ...account, password: body.new_password });
    await stealFrom(running(), { ...account, password: body.new_password });
    await mailTo(running(), account.email, /password was changed/i);
    await mailTo(running(), account.email, /We ended one of your sessions/);
    await running().settled();

    const told = await factsOf(running(), id);
    expect(new Set(told.map(({ event_type }) => event_type))).toEqual(new Set(expected));
    await forgetSentMails(running(), id);
    const before = await traces(running(), id);
    for (const event of told) await running().publish(event);
    await running().settled();
    expect(await traces(running(), id)).toEqual(before);
    for (const gateway of running().gateways) expect((await gateway.get("users/me", after.access)).status).toBe(200);
    expect((await running().api.post("auth/refresh", { refresh_token: after.refresh })).status).toBe(200);
  });
}

const expected = [
  "user.created",
  "session.created",
  "subscription.changed",
  "password.changed",
  "session.revoked",
  "token.reused",
];

async function factsOf({ database }: Installation, userId: string): Promise<MeshEvent[]> {
  const sql = sources.map((one) => `SELECT body FROM ${one}.outbox WHERE kind = 'event' AND user_id = $1`);
  return (await database.query<{ body: MeshEvent }>(sql.join(" UNION ALL "), [userId])).map(({ body }) => body);
}

/** A spent refresh token is used after its grace: a session ends, and its owner is told. */
async function stealFrom(running: Installation, account: { email: string; password: string }): Promise<void> {
  const { session, refresh } = await signIn(running, account);
  const use = () => running.api.post("auth/refresh", { refresh_token: refresh });
  expect((await use()).status).toBe(200);
  await running.database.query(
    "UPDATE sessions.sessions SET spent_at = ARRAY(SELECT at - interval '31 s' FROM unnest(spent_at) AS at) WHERE id = $1",
    [session],
  );
  expect(await use()).toBeProblem(401, "token_reused");
}

/** As its sweep does after a week: from now on the inbox alone knows what was mailed. */
async function forgetSentMails({ database }: Installation, userId: string): Promise<void> {
  await database.query("DELETE FROM mail.outbox WHERE user_id = $1 AND published_at IS NOT NULL", [userId]);
}

/** What events have left behind in each service that handles them. */
async function traces({ database }: Installation, userId: string): Promise<Record<string, unknown>> {
  const [row] = await database.query(
    `SELECT (SELECT count(*) FROM auth.one_time_tokens WHERE user_id = $1) AS tokens,
       (SELECT count(*) FROM mail.outbox WHERE user_id = $1) AS mails_due,
       (SELECT count(*) FROM mail.messages WHERE user_id = $1) AS mails,
       (SELECT count(*) FROM admin.activity WHERE user_id = $1) AS activity,
       (SELECT count(*) FROM sessions.sessions WHERE user_id = $1 AND revoked_at IS NULL) AS sessions,
       (SELECT epoch FROM sessions.accounts WHERE user_id = $1) AS epoch,
       (SELECT ver FROM sessions.accounts WHERE user_id = $1) AS ver`,
    [userId],
  );
  return row ?? {};
}
