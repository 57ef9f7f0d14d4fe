import { randomUUID } from "node:crypto";
import { expect, test } from "@jest/globals";
import type { Answer, ApiClient } from "../clients/api-client.ts";
import { requestUntilAnswered } from "../clients/api-client.ts";
import { hold, holdRelay } from "../data/database-reads.ts";
import type { Installation } from "../start/installation.ts";
import { linkToken, mailTo, type newPerson, register, signIn } from "./main-flow.ts";

export const keyed = (key: string) => ({ "idempotency-key": key });

/** What a client does that wants one account, whatever dies: the same request, at any gateway, until it is answered. */
export async function registerUntilAnswered(
  gateways: readonly ApiClient[],
  person: ReturnType<typeof newPerson>,
): Promise<Answer> {
  let attempt = 0;
  return requestUntilAnswered(() => {
    const gateway = gateways[attempt++ % gateways.length] as ApiClient;
    return gateway.request("POST", "auth/register", { body: person, headers: keyed(person.email) });
  });
}

/** One account, its password works, and everybody who repeats the request is told the same. */
export async function expectOneAccount(
  { gateways, database }: Pick<Installation, "gateways" | "database">,
  person: ReturnType<typeof newPerson>,
  answer: Answer,
): Promise<void> {
  expect(answer.status).toBe(201);
  for (const gateway of gateways) {
    const again = await registerUntilAnswered([gateway], person);
    expect([again.status, again.headers.get("idempotency-replayed")]).toEqual([201, "true"]);
    expect(again.body).toEqual(answer.body);
    const { status } = await requestUntilAnswered(() => gateway.post("auth/login", person));
    expect(status).toBe(200);
  }
  const accounts = await database.query("SELECT id FROM users.users WHERE email = $1", [person.email]);
  expect(accounts).toEqual([{ id: answer.body.data.id }]);
}

/** What holds wherever it runs. */
export function describeKeys(running: () => Installation): void {
  test("two keyed changes of preferences don't take each other's answer", async () => {
    const people = await Promise.all([1, 2].map(async () => signIn(running(), await register(running()))));
    const [ada, bob] = people as [(typeof people)[0], (typeof people)[0]];
    const put = (token: string, key: string, age_min: number, n = 0) => {
      const gateway = running().gateways[n % running().gateways.length] as ApiClient;
      return gateway.request("PUT", "users/me/preferences", { body: { age_min }, token, headers: keyed(key) });
    };
    const changes = [
      () => put(ada.access, "one", 21),
      () => put(bob.access, "one", 22),
      () => put(ada.access, "two", 23, 1),
    ];
    for (const change of [...changes, ...changes]) await change();
    const again = await Promise.all(changes.map((change) => change()));
    expect(again.map(({ body }) => body.data.age_min)).toEqual([21, 22, 23]);
    expect(again.map(({ headers }) => headers.get("idempotency-replayed"))).toEqual(["true", "true", "true"]);
    const now = async (token: string) => (await running().api.get("users/me/preferences", token)).body.data.age_min;
    expect([await now(ada.access), await now(bob.access)]).toEqual([23, 22]);
  });

  test("a keyed reset whose revocation could not be confirmed is repeated until it is", async () => {
    const account = await register(running());
    const { access } = await signIn(running(), account);
    await running().api.post("auth/password-reset-request", { email: account.email });
    const token = linkToken(await mailTo(running(), account.email, /reset-password/));
    const body = { token, new_password: "Fresh-horse-8-staple" };
    const confirm = () =>
      running().api.request("POST", "auth/password-reset-confirm", { body, headers: keyed(randomUUID()) });
    const key = keyed(randomUUID());
    const repeat = () => running().api.request("POST", "auth/password-reset-confirm", { body, headers: key });
    const accepted = () =>
      Promise.all(running().gateways.map(async (gateway) => (await gateway.get("users/me", access)).status));

    // The event would finish it too: it has to wait.
    await using _late = await holdRelay(running(), "auth");
    {
      await using _busy = await hold(running(), "SELECT 1 FROM sessions.accounts WHERE user_id = $1 FOR UPDATE", [
        account.id,
      ]);
      const pending = await repeat();
      expect(pending).toBeProblem(503, "revocation_pending");
      expect(pending.headers.get("retry-after")).not.toBeNull();
      expect(new Set(await accepted())).toEqual(new Set([200]));
    }
    const done = await repeat();
    expect([done.status, done.headers.get("idempotency-replayed")]).toEqual([200, "true"]);
    expect(new Set(await accepted())).toEqual(new Set([401]));
    expect(await confirm()).toBeProblem(400, "token_invalid");
    await signIn(running(), { ...account, password: body.new_password });
  });
}
