import { expect } from "@jest/globals";
import type { Answer, ApiClient } from "../clients/api-client.ts";
import { linkToken, mailTo, newPerson, type Running, register, signIn } from "./main-flow.ts";

export type SignedIn = Awaited<ReturnType<typeof signIn>>;

/** An account with several sessions, the first of which acts. */
export interface Account {
  readonly id: string;
  readonly email: string;
  readonly password: string;
  readonly sessions: readonly SignedIn[];
}

export interface Stage {
  readonly running: Running;
  /** Where the call goes that ends access. */
  readonly api: ApiClient;
  /** Access token of the administrator. */
  readonly admin: string;
  /** Idempotency key, the same when the call is repeated. */
  readonly key: string;
}

interface Ending {
  /** Makes the call. */
  end(stage: Stage, account: Account): Promise<Answer>;
  /** Whose access tokens are void when it is answered. */
  ended(account: Account): readonly SignedIn[];
  /** The account with the sessions of each call, if it takes several calls to end them all. */
  readonly steps?: (account: Account) => readonly Account[];
}

const all = (account: Account) => account.sessions;
const acting = ({ sessions: [first] }: Account) => first as SignedIn;
const newPassword = "Another-Right-1";

/** Every way to end an access token before its time. */
export const endings: Readonly<Record<string, Ending>> = {
  "POST /auth/logout": {
    // The refresh token stands in for an access token that is known to be void when the call is repeated.
    end: ({ api, key }, account) =>
      call(api, "POST auth/logout", key, acting(account), { refresh_token: acting(account).refresh }),
    ended: (account) => [acting(account)],
    steps: (account) => account.sessions.map((one) => ({ ...account, sessions: [one] })),
  },
  "POST /auth/logout-all": {
    end: ({ api, key }, account) => call(api, "POST auth/logout-all", key, acting(account)),
    ended: all,
  },
  "DELETE /auth/sessions/{id}": {
    end: ({ api, key }, account) =>
      call(api, `DELETE auth/sessions/${account.sessions.at(-1)?.session}`, key, acting(account)),
    ended: ({ sessions }) => sessions.slice(-1),
    // The first session makes all calls, and stays.
    steps: (account) => account.sessions.slice(1).map((one) => ({ ...account, sessions: [acting(account), one] })),
  },
  "a disabled account": {
    end: ({ api, admin, key }, { id }) =>
      call(api, `PUT admin/users/${id}/status`, key, { access: admin }, { is_active: false }),
    ended: all,
  },
  "a changed password": {
    end: ({ api, key }, account) =>
      call(api, "POST auth/change-password", key, acting(account), {
        current_password: account.password,
        new_password: newPassword,
      }),
    ended: ({ sessions }) => sessions.slice(1),
  },
  "a reset password": {
    async end({ running, api, key }, { email }) {
      await call(api, "POST auth/password-reset-request", key, null, { email });
      const token = linkToken(await mailTo(running, email, /reset-password/));
      return call(api, "POST auth/password-reset-confirm", key, null, { token, new_password: newPassword });
    },
    ended: all,
  },
};

function call(
  api: ApiClient,
  target: string,
  key: string,
  who: Pick<SignedIn, "access"> | null,
  body?: object,
): Promise<Answer> {
  const [method = "", path = ""] = target.split(" ");
  return api.request(method, path, { body, token: who?.access, headers: { "idempotency-key": key } });
}

export async function newAccount(running: Running, sessions: number): Promise<Account> {
  const person = await register(running, newPerson());
  const signedIn = await Promise.all(Array.from({ length: sessions }, () => signIn(running, person)));
  return { ...person, sessions: signedIn };
}

export async function adminOf(running: Running): Promise<string> {
  return (await signIn(running, running.admin)).access;
}

/** What each gateway says to these access tokens at this moment: `401 session_ended`. */
export async function verdicts(gateways: readonly ApiClient[], sessions: readonly SignedIn[]): Promise<string[]> {
  const answers = sessions.flatMap(({ access }) => gateways.map((gateway) => gateway.get("users/me", access)));
  return (await Promise.all(answers)).map(verdictOf);
}

export function verdictOf({ status, body }: Answer): string {
  return `${status} ${body.code ?? "ok"}`;
}

/** They are good before, so that a refusal afterwards means something. */
export async function expectGood(gateways: readonly ApiClient[], sessions: readonly SignedIn[]): Promise<void> {
  expect(new Set(await verdicts(gateways, sessions))).toEqual(new Set(["200 ok"]));
}
