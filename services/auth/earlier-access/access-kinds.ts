import type { MailedTokenPurpose } from "../../../lib/contracts/mailed-token.contract.ts";
import type { RowOf } from "../../../lib/database/entity.ts";
import type { Credentials } from "../auth.entities.ts";

export type CredentialKind = RowOf<typeof Credentials>["kind"];

/**
 * Everything that lets its holder use an account, or act on it later. The only list: a new kind of credential or of mailed
 * link does not compile until it is here, and a test finds tables of a user's rows that are not. `onceProven` is what a
 * password reset does with it if the address was proven before: see `isRevoked`.
 */
export const accessKinds = {
  password: { onceProven: "revoked" },
  // A forgotten password is no reason to give up the second factor.
  totp: { onceProven: "kept" },
  passkey: { onceProven: "kept" },
  /** An account at a provider. */
  identity: { onceProven: "kept" },
  /** A link to a provider that is not finished, and the one-time codes of sign-ins. */
  pending_link: { onceProven: "revoked" },
  verify_email: { onceProven: "revoked" },
  reset_password: { onceProven: "revoked" },
  change_email: { onceProven: "revoked" },
  invite: { onceProven: "revoked" },
  /** In the sessions service. */
  session: { onceProven: "revoked" },
  /** In the users service: a requested new address. */
  email_change: { onceProven: "revoked" },
  /** In the users service. It belongs to a signed-in device, and the reset signs every device out. */
  push_token: { onceProven: "revoked" },
} as const satisfies Readonly<
  Record<
    CredentialKind | MailedTokenPurpose | "identity" | "pending_link" | "session" | "email_change" | "push_token",
    { readonly onceProven: "revoked" | "kept" }
  >
>;

export type AccessKind = keyof typeof accessKinds;

/** How the owner of an address, or an administrator for them, has proven that the account is theirs. */
export const proofs = ["reset", "invitation", "verification", "provider_claim", "administrator"] as const;
export type ProofKind = (typeof proofs)[number];

export interface Proof {
  readonly kind: ProofKind;
  /** Whether the account's address was verified before this proof. */
  readonly wasProven: boolean;
  /** The owner asks for it with a reset. */
  readonly unlinkProviders: boolean;
}

/**
 * Whether a proof revokes access that is older than itself. Until the address is proven for the first time, nobody knows
 * who registered the account, so everything goes (pre-hijacking: Sudhodanan and Paverd, USENIX Security 2022). What was
 * added after that needed a recent sign-in to a proven account, and its owner was notified: a reset keeps it unless the
 * owner asks otherwise.
 */
export function isRevoked(kind: AccessKind, { wasProven, unlinkProviders }: Proof): boolean {
  if (!wasProven || accessKinds[kind].onceProven === "revoked") return true;
  return kind === "identity" && unlinkProviders;
}
