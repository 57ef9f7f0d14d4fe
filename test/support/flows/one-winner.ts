import { describe, expect, test } from "@jest/globals";
import type { Answer } from "../clients/api-client.ts";
import { requestUntilAnswered } from "../clients/api-client.ts";
import { hold, liveSessions, outboxEventsOfType } from "../data/database-reads.ts";
import { eventually } from "../eventually.ts";
import type { Installation } from "../start/installation.ts";
import { linkToken, mailTo, newPerson, register, signIn } from "./main-flow.ts";

const AT_ONCE = 50;

/** Everything single-use, used many times at once at every gateway there is. */
export function describeOneWinner(running: () => Installation): void {
  const api = () => running().api;
  /** Spread over the gateways. */
  const atOnce = (request: (gateway: Installation["api"], n: number) => Promise<Answer>) =>
    Promise.all(
      Array.from({ length: AT_ONCE }, (_, n) =>
        requestUntilAnswered(() =>
          request(running().gateways[n % running().gateways.length] as Installation["api"], n),
        ),
      ),
    );
  const askForReset = async (email: string, nth = 1) => {
    expect((await api().post("auth/password-reset-request", { email })).status).toBe(202);
    return resetLinks(email, nth);
  };
  const resetLinks = async (email: string, nth: number) => {
    const mails = () => mailsTo(running(), email, /reset-password/);
    await eventually(`${nth} reset mails`, () => mails().length >= nth);
    return mails().map(linkToken);
  };

  test("one reset token, 50 uses at once: one new password, one event, one notice", async () => {
    const account = await register(running());
    const [token] = await askForReset(account.email);
    const passwordOf = (n: number) => `Fresh-horse-${n}-staple`;
    const answers = await atOnce((gateway, n) =>
      gateway.post("auth/password-reset-confirm", { token, new_password: passwordOf(n) }),
    );
    expect(tally(answers)).toEqual({ 200: 1, "400 token_invalid": 49 });
    const winner = answers.findIndex(({ status }) => status === 200);
    await signIn(running(), { ...account, password: passwordOf(winner) });
    expect(await outboxEventsOfType(running(), "auth", account.id, "password.changed")).toHaveLength(1);
    await mailTo(running(), account.email, /password was changed/i);
    await running().settled();
    expect(mailsTo(running(), account.email, /password was changed/i)).toHaveLength(1);
  });

  test("one verification token, 50 uses at once: one success, one event", async () => {
    const account = await register(running());
    const token = linkToken(await mailTo(running(), account.email, /verify-email/));
    const { access } = await signIn(running(), account);
    const answers = await atOnce((gateway) => gateway.post("auth/verify-email", { token }, access));
    expect(tally(answers)).toEqual({ 200: 1, "400 token_invalid": 49 });
    expect(await outboxEventsOfType(running(), "users", account.id, "user.verified")).toHaveLength(1);
  });

  test("one idempotency key on register, 50 requests at once: one account, one mail, one answer for all", async () => {
    const person = newPerson();
    const headers = { "idempotency-key": `register-${person.email}` };
    const answers = await atOnce((gateway) => gateway.request("POST", "auth/register", { body: person, headers }));
    expect(tally(answers)).toEqual({ 201: 50 });
    const [first] = answers as [Answer];
    expect(answers.map(({ body }) => body.data)).toEqual(Array(50).fill(first.body.data));
    expect(answers.filter((one) => one.headers.get("idempotency-replayed") === "true")).toHaveLength(49);
    await mailTo(running(), person.email, /verify-email/);
    await running().settled();
    expect(mailsTo(running(), person.email, /./)).toHaveLength(1);
    expect(await outboxEventsOfType(running(), "users", first.body.data.id, "user.created")).toHaveLength(1);
    await signIn(running(), person);
  });

  test("an older and a newer reset link used at once: the newer one alone", async () => {
    const account = await register(running());
    const [older] = await askForReset(account.email);
    const newer = (await askForReset(account.email, 2)).find((token) => token !== older);
    const answers = await atOnce((gateway, n) =>
      gateway.post("auth/password-reset-confirm", {
        token: n % 4 < 2 ? older : newer,
        new_password: n % 4 < 2 ? "Older-horse-8-staple" : "Newer-horse-8-staple",
      }),
    );
    expect(tally(answers)).toEqual({ 200: 1, "400 token_invalid": 49 });
    await signIn(running(), { ...account, password: "Newer-horse-8-staple" });
    expect(await outboxEventsOfType(running(), "auth", account.id, "password.changed")).toHaveLength(1);
  });

  test("an older reset link is refused from the moment a newer one is asked for, also when it is in use", async () => {
    const account = await register(running());
    const [older] = await askForReset(account.email);
    const use = (token: string | undefined) =>
      api().post("auth/password-reset-confirm", { token, new_password: "Fresh-horse-8-staple" });
    const tokens = "SELECT 1 FROM auth.one_time_tokens WHERE user_id = $1 AND purpose = 'reset_password'";
    const busy = await hold(running(), `${tokens} FOR UPDATE`, [account.id]);
    const inUse = use(older);
    await eventually("it to be in use", () => waitsForARow(running()), { every: 5 });
    expect((await api().post("auth/password-reset-request", { email: account.email })).status).toBe(202);
    expect(await running().database.query(tokens, [account.id])).toHaveLength(2);
    await busy[Symbol.asyncDispose]();
    expect(tally([await inUse, await use(older)])).toEqual({ "400 token_invalid": 2 });
    const newer = (await resetLinks(account.email, 2)).find((token) => token !== older);
    expect((await use(newer)).status).toBe(200);
  });

  describe("a refresh token", () => {
    const refresh = (token: string, gateway = api()) => gateway.post("auth/refresh", { refresh_token: token });
    const successor = async (token: string): Promise<string> => (await refresh(token)).body.data.refresh_token;
    const accepted = async (access: string) =>
      Promise.all(running().gateways.map(async (gateway) => (await gateway.get("users/me", access)).status));

    test("used 50 times at once has one successor for all", async () => {
      const signedIn = await signIn(running(), await register(running()));
      const answers = await atOnce((gateway) => refresh(signedIn.refresh, gateway));
      expect(tally(answers)).toEqual({ 200: 50 });
      const successors = new Set(answers.map(({ body }) => body.data.refresh_token));
      expect(successors.size).toBe(1);
      expect((await refresh([...successors][0])).status).toBe(200);
    });

    test("that is superseded, inside its grace, is refused and nothing else", async () => {
      const account = await register(running());
      const signedIn = await signIn(running(), account);
      const latest = await successor(await successor(signedIn.refresh));
      const answers = await atOnce((gateway) => refresh(signedIn.refresh, gateway));
      expect(tally(answers)).toEqual({ "401 token_superseded": 50 });
      expect(new Set(await accepted(signedIn.access))).toEqual(new Set([200]));
      expect((await refresh(latest)).status).toBe(200);
      expect(await outboxEventsOfType(running(), "sessions", account.id, "token.reused")).toEqual([]);
    });

    test("that was spent and comes after its grace ends the session everywhere, once, and the owner is told", async () => {
      const account = await register(running());
      const signedIn = await signIn(running(), account);
      const latest = await successor(signedIn.refresh);
      await graceEnds(running(), signedIn.session);
      const answers = await atOnce((gateway) => refresh(signedIn.refresh, gateway));
      expect(tally(answers)).toEqual({ "401 token_reused": 50 });
      expect(new Set(await accepted(signedIn.access))).toEqual(new Set([401]));
      expect((await refresh(latest)).status).toBe(401);
      expect(await liveSessions(running(), account.id)).toBe(0);
      expect(await outboxEventsOfType(running(), "sessions", account.id, "token.reused")).toHaveLength(1);
      const notice = /We ended one of your sessions/;
      await mailTo(running(), account.email, notice);
      await running().settled();
      expect(mailsTo(running(), account.email, notice)).toHaveLength(1);
    });
  });
}

function tally(answers: readonly Answer[]): Record<string, number> {
  const name = ({ status, body }: Answer) => [status, body.code].join(" ").trim();
  return Object.fromEntries(
    Object.entries(Object.groupBy(answers, name)).map(([key, some]) => [key, some?.length ?? 0]),
  );
}

function mailsTo(running: Installation, email: string, pattern: RegExp) {
  return running.mails().filter((mail) => mail.to.includes(email) && pattern.test(mail.subject + mail.text));
}

async function waitsForARow({ database }: Installation): Promise<boolean> {
  const sql = `SELECT 1 FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE NOT l.granted AND l.locktype = 'transactionid' AND a.datname = current_database()`;
  return (await database.query(sql)).length > 0;
}

/** Time passes for one session. */
async function graceEnds({ database }: Installation, session: string): Promise<void> {
  await database.query(
    "UPDATE sessions.sessions SET spent_at = ARRAY(SELECT at - interval '31 s' FROM unnest(spent_at) AS at) WHERE id = $1",
    [session],
  );
}
