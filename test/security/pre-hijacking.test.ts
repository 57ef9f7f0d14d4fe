import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type AccessKind, type ProofKind, proofs } from "../../services/auth/earlier-access/access-kinds.ts";
import { comeBack, signInBy } from "../support/data/oauth-flow.ts";
import { type Hijack, hijack } from "../support/data/pre-hijacking.ts";
import { eventually } from "../support/eventually.ts";
import { linkToken, mailTo, newPerson, signIn } from "../support/flows/main-flow.ts";
import {
  type MaliciousProviderInstallation,
  startMaliciousProviderInstallation,
} from "../support/start/malicious-provider-installation.ts";
import type { Usermesh } from "../support/start/usermesh.ts";

let installation: MaliciousProviderInstallation;
let usermesh: Usermesh;
let vendor: string;
beforeAll(async () => {
  installation = await startMaliciousProviderInstallation("https://app.example.com/signed-in");
  ({ usermesh } = installation);
  vendor = (await signIn(usermesh, usermesh.admin)).access;
});
afterAll(() => installation.stop());

const newPassword = "Owner-horse-8-staple";

const resetTokens = (email: string) =>
  usermesh
    .mails()
    .filter((mail) => mail.to.includes(email) && mail.text.includes("/reset-password"))
    .map(linkToken);

/** The token of a new reset link. */
async function resetLink(email: string): Promise<string> {
  const earlier = resetTokens(email);
  expect((await usermesh.api.post("auth/password-reset-request", { email })).status).toBe(202);
  return eventually("a new reset link", () => resetTokens(email).find((one) => !earlier.includes(one)));
}

/** How the owner of the address proves that it is theirs. Each resolves to the status of the response. */
const prove: Readonly<Record<ProofKind, (hijacked: Hijack) => Promise<number>>> = {
  reset: async ({ person }) => {
    const token = await resetLink(person.email);
    return (await usermesh.api.post("auth/password-reset-confirm", { token, new_password: newPassword })).status;
  },
  verification: async ({ person }) => {
    const token = linkToken(await mailTo(usermesh, person.email, /verify-email/));
    return (await usermesh.api.post("auth/verify-email", { token, new_password: newPassword })).status;
  },
  provider_claim: async ({ person: { email } }) => {
    const claims = { sub: newPerson("owner").email, email, email_verified: true };
    return (await signInBy(usermesh.api, "silent", installation.silent, claims)).status;
  },
  administrator: async ({ id }) =>
    (await usermesh.api.patch(`admin/users/${id}`, { is_verified: true }, vendor)).status,
  // An invited account has no access of a stranger. As if it had: the link of an invitation instead of a reset link.
  invitation: async ({ person }) => {
    const tokenId = (await resetLink(person.email)).split(".")[2] ?? "";
    await usermesh.database.query("UPDATE auth.one_time_tokens SET purpose = 'invite' WHERE id = $1", [tokenId]);
    const mailed = await usermesh.call("auth.deriveMailToken", { token_id: tokenId }, mailService);
    const body = { token: mailed?.token, new_password: newPassword };
    return (await usermesh.api.post("auth/password-reset-confirm", body)).status;
  },
};
const mailService = { kind: "service", name: "mail" } as const;

const credentials = (id: string, kind: string) =>
  usermesh.database.query("SELECT 1 FROM auth.credentials WHERE user_id = $1 AND kind = $2", [id, kind]);
const unspent = (id: string, purpose: string) =>
  usermesh.database.query(
    "SELECT 1 FROM auth.one_time_tokens WHERE user_id = $1 AND purpose = $2 AND spent_at IS NULL",
    [id, purpose],
  );
const noneUnspent = (purpose: string) => async (hijacked: Hijack) =>
  expect(await unspent(hijacked.id, purpose)).toEqual([]);
const account = async (id: string) => (await usermesh.api.get(`admin/users/${id}`, vendor)).body.data;

/** How the stranger tries to come back with each kind of access. A new kind does not compile until it is here. */
const attempts: Readonly<Record<AccessKind, (hijacked: Hijack) => Promise<void>>> = {
  password: async ({ person: { email, password } }) =>
    expect(await usermesh.api.post("auth/login", { email, password })).toBeProblem(401, "invalid_credentials"),
  totp: async ({ id }) => expect(await credentials(id, "totp")).toEqual([]),
  passkey: async ({ id }) => expect(await credentials(id, "passkey")).toEqual([]),
  identity: async ({ id, claims }) => {
    const { body } = await signInBy(usermesh.api, "liar", installation.liar, claims);
    expect(body.data.user.id).not.toBe(id);
  },
  pending_link: async ({ pending, claims }) => {
    const code = installation.other.issue(pending.authorizeUrl, claims);
    expect((await comeBack(usermesh.api, pending, { code })).status).toBeGreaterThanOrEqual(400);
  },
  verify_email: noneUnspent("verify_email"),
  reset_password: async ({ resetToken: token }) => {
    const answer = await usermesh.api.post("auth/password-reset-confirm", { token, new_password: "Stranger-1-horse" });
    expect(answer).toBeProblem(400, "token_invalid");
  },
  change_email: async ({ changeToken: token, access, person: { password } }) => {
    expect(await usermesh.api.post("auth/verify-email", { token }, access)).toBeProblem(400, "token_invalid");
    expect(await usermesh.api.post("auth/verify-email", { token, password })).toBeProblem(400, "token_invalid");
  },
  invite: noneUnspent("invite"),
  session: async ({ access, refresh }) => {
    expect(await usermesh.api.get("users/me", access)).toBeProblem(401, "session_ended");
    expect((await usermesh.api.post("auth/refresh", { refresh_token: refresh })).status).toBe(401);
  },
  email_change: async ({ id }) => expect((await account(id)).pending_email).toBeNull(),
  push_token: async ({ id }) => expect((await account(id)).has_push_token).toBe(false),
};

describe.each(proofs)("pre-hijacking of an unverified account ends with the proof: %s", (proof) => {
  let hijacked: Hijack;
  beforeAll(async () => {
    hijacked = await hijack(installation);
    expect(await prove[proof](hijacked)).toBe(200);
  });

  test.each(Object.entries(attempts))("the stranger's %s is revoked", (_, attempt) => attempt(hijacked));

  test("the address is verified, and the owner is told by mail what was removed", async () => {
    expect((await account(hijacked.id)).is_verified).toBe(true);
    await mailTo(usermesh, hijacked.person.email, /was removed[\s\S]*Signing in with liar is no longer possible/);
  });
});

describe("an account whose address was proven", () => {
  /** With an identity and a device from after the proof. */
  async function owner() {
    const hijacked = await hijack(installation);
    await prove.reset(hijacked);
    const person = { email: hijacked.person.email, password: newPassword };
    const { access } = await signIn(usermesh, person);
    const claims = { sub: newPerson("owner").email, email: person.email, email_verified: true };
    expect((await signInBy(usermesh.api, "liar", installation.liar, claims)).body.data.user.id).toBe(hijacked.id);
    await usermesh.api.patch("users/me", { push_token: "owners-device" }, access);
    return { ...person, access, claims, id: hijacked.id, resetToken: hijacked.resetToken };
  }
  async function reset(person: { email: string }, more: object) {
    const token = await resetLink(person.email);
    const answer = await usermesh.api.post("auth/password-reset-confirm", {
      token,
      new_password: "Again-1-horse",
      ...more,
    });
    expect(answer.status).toBe(200);
  }

  test("keeps its linked providers in a reset, and the owner is told which; sessions and the device end", async () => {
    const person = await owner();
    await reset(person, {});
    expect(await usermesh.api.get("users/me", person.access)).toBeProblem(401, "session_ended");
    expect((await account(person.id)).has_push_token).toBe(false);
    const again = await signInBy(usermesh.api, "liar", installation.liar, person.claims);
    expect(again.body.data.user.id).toBe(person.id);
    await mailTo(usermesh, person.email, /Signing in with liar is still possible/);
  });

  test("loses them if the owner asks for it", async () => {
    const person = await owner();
    await reset(person, { unlink_providers: true });
    const { access } = await signIn(usermesh, { ...person, password: "Again-1-horse" });
    expect((await usermesh.api.get("auth/identities", access)).body.data).toEqual([]);
  });

  test("keeps everything if an administrator sends is_verified again", async () => {
    const person = await owner();
    expect(await prove.administrator(person as unknown as Hijack)).toBe(200);
    expect((await usermesh.api.get("users/me", person.access)).status).toBe(200);
  });
});
