import { expect } from "@jest/globals";
import { linkToken, mailTo, newPerson, type Person, register, signIn } from "../flows/main-flow.ts";
import type { MaliciousProviderInstallation } from "../start/malicious-provider-installation.ts";
import { type Begun, beginLink, comeBack } from "./oauth-flow.ts";

/** What a stranger who registers someone else's address can leave in the account. */
export interface Hijack {
  readonly id: string;
  /** The victim's address and the stranger's password. */
  readonly person: Person;
  readonly access: string;
  readonly refresh: string;
  /** The stranger at the provider `liar`. */
  readonly claims: { readonly sub: string; readonly email: string; readonly email_verified: boolean };
  /** A link to the provider `other` that the stranger has not finished. */
  readonly pending: Begun;
  /** The link to the stranger's own address, which they asked the account to be moved to. */
  readonly changeToken: string;
  readonly resetToken: string;
}

export async function hijack({ usermesh, liar }: MaliciousProviderInstallation): Promise<Hijack> {
  const { api } = usermesh;
  const person = newPerson("victim");
  const { id } = await register(usermesh, person, { push_token: "attackers-device" });
  const { access, refresh } = await signIn(usermesh, person);
  const claims = { sub: newPerson("attacker").email, email: newPerson("attacker").email, email_verified: true };
  const link = await beginLink(api, "liar", access);
  expect((await comeBack(api, link, { code: liar.issue(link.authorizeUrl, claims) })).status).toBe(200);
  const pending = await beginLink(api, "other", access);
  await api.patch("users/me", { email: claims.email, current_password: person.password }, access);
  const changeToken = linkToken(await mailTo(usermesh, claims.email, /verify-email/));
  await api.post("auth/password-reset-request", { email: person.email });
  const resetToken = linkToken(await mailTo(usermesh, person.email, /reset-password/));
  await usermesh.database.query(
    `INSERT INTO auth.credentials (id, user_id, kind, secret, kid, confirmed)
     VALUES (gen_random_uuid(), $1, 'totp', 'x', 'k1', true), (gen_random_uuid(), $1, 'passkey', 'x', 'k1', true)`,
    [id],
  );
  return { id, person, access, refresh, claims, pending, changeToken, resetToken };
}
