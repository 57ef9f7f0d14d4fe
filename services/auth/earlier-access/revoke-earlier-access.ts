import type { Client } from "../../../lib/actions/caller.ts";
import { MailedTokenPurpose } from "../../../lib/contracts/mailed-token.contract.ts";
import { emailKey, emailKeyHash } from "../../../lib/runtime/text-keys.ts";
import type { Transaction } from "../../../mixins/database/database.mixin.ts";
import type { AuthDeps } from "../dependencies.ts";
import { deleteIdentities, findIdentities, type IdentityKey } from "../oauth/identities.repo.ts";
import { providerName } from "../oauth/identity-events.ts";
import { cancelPendingLinks } from "../oauth/oauth.repo.ts";
import { lockOneTimeTokens, revokeOneTimeTokens } from "../one-time-tokens/one-time-tokens.repo.ts";
import { deleteCredentials } from "../password/credentials.repo.ts";
import { type CredentialKind, isRevoked, type Proof } from "./access-kinds.ts";

type RevokeDeps = Pick<AuthDeps, "outbox" | "oauth">;

export interface ProvenAccount {
  readonly id: string;
  readonly tenant_id: string;
  /** The proven address. */
  readonly email: string;
}

interface Revocation {
  readonly account: ProvenAccount;
  readonly proof: Proof;
  /** Id of the event, so that a repeated request revokes once. */
  readonly eventId: string;
  readonly correlationId: string;
  /** The client of the request: the notice is in their language. */
  readonly client?: Client;
  /** The identity that a provider vouches with. It is not reported as removed. */
  readonly claimedBy?: Pick<IdentityKey, "issuer" | "sub">;
}

const credentialKinds: readonly CredentialKind[] = ["password", "totp", "passkey"];

/**
 * Revokes the access that is older than a proof of the account's address, as `isRevoked` decides, and appends the event
 * `password.changed`. The event makes mail notify the owner of what was removed, sessions end the sessions, and users
 * verify the address and remove the device token: `completeProof` has them do it before the response.
 *
 * Unfinished links are deleted before identities: a link that commits meanwhile holds its state's row, so the second
 * statement waits for it and sees its identity.
 */
export async function revokeEarlierAccess(
  { outbox, oauth }: RevokeDeps,
  tx: Transaction,
  { account, proof, eventId, correlationId, client, claimedBy }: Revocation,
): Promise<string> {
  const { id: userId, tenant_id: tenantId, email } = account;
  await lockOneTimeTokens(tx, userId);
  await revokeOneTimeTokens(
    tx,
    userId,
    MailedTokenPurpose.options.filter((one) => isRevoked(one, proof)),
  );
  if (isRevoked("pending_link", proof)) await cancelPendingLinks(tx, userId);
  const kinds = credentialKinds.filter((one) => isRevoked(one, proof));
  await deleteCredentials(tx, userId, kinds);
  const removed = isRevoked("identity", proof) ? await deleteIdentities(tx, userId) : [];
  const nameOf = ({ issuer }: { readonly issuer: string }) => providerName(oauth, issuer);
  const isClaimed = (one: Pick<IdentityKey, "issuer" | "sub">) =>
    one.issuer === claimedBy?.issuer && one.sub === claimedBy.sub;
  return outbox.append(tx, {
    type: "password.changed",
    userId,
    tenantId,
    correlationId,
    eventId,
    data: {
      reason: proof.kind,
      first_proof: !proof.wasProven,
      removed_providers: removed.filter((one) => !isClaimed(one)).map(nameOf),
      kept_providers: (await findIdentities(tx, userId)).map(nameOf),
      verified_email_hash: emailKeyHash(tenantId, emailKey(email)),
      ...(client?.languages && { languages: client.languages }),
    },
  });
}
