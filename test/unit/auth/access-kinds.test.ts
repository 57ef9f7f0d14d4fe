import { expect, test } from "@jest/globals";
import { MailedTokenPurpose } from "../../../lib/contracts/mailed-token.contract.ts";
import { authEntities } from "../../../services/auth/auth.entities.ts";
import { type AccessKind, accessKinds, isRevoked, proofs } from "../../../services/auth/earlier-access/access-kinds.ts";
import { sessionsEntities } from "../../../services/sessions/sessions.entities.ts";

const kinds = Object.keys(accessKinds) as AccessKind[];
const rule = (kind: AccessKind, wasProven: boolean, unlinkProviders = false) =>
  proofs.map((proof) => isRevoked(kind, { kind: proof, wasProven, unlinkProviders }));

test.each(kinds)("the first proof of an address revokes an earlier %s, whatever the proof", (kind) => {
  expect(rule(kind, false)).toEqual(proofs.map(() => true));
});

test("a later proof keeps what its owner added since: providers, passkeys and the second factor", () => {
  expect(kinds.filter((kind) => !rule(kind, true).includes(true))).toEqual(["totp", "passkey", "identity"]);
});

test("a reset removes linked providers if the owner asks for it, and nothing else in addition", () => {
  expect(kinds.filter((kind) => !rule(kind, true, true).includes(true))).toEqual(["totp", "passkey"]);
});

/** Tables with rows of a user: what access their rows give. */
const tables: Readonly<Record<string, readonly AccessKind[]>> = {
  "auth.credentials": ["password", "totp", "passkey"],
  "auth.identities": ["identity"],
  "auth.one_time_tokens": MailedTokenPurpose.options,
  "auth.oauth_states": ["pending_link"],
  "auth.oauth_codes": ["pending_link"],
  // Counts failures, and gives no access.
  "auth.login_attempts": [],
  "sessions.sessions": ["session"],
  // The epoch and the token version, which revocations increment.
  "sessions.accounts": [],
};

test("every table of auth and sessions with a user's rows is a kind of access, or known to be none", () => {
  const ofUser = [...authEntities, ...sessionsEntities].filter(({ columns }) => "user_id" in columns);
  expect(ofUser.map(({ table }) => table).toSorted()).toEqual(Object.keys(tables).toSorted());
});

test("every mailed link is a kind of access", () => {
  expect(kinds).toEqual(expect.arrayContaining([...MailedTokenPurpose.options]));
});
