import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { confirmed, revokeSessions } from "../../../lib/revocation/confirm-change.ts";
import { emailKey, emailKeyHash } from "../../../lib/runtime/text-keys.ts";
import type { ProvenAccount } from "./revoke-earlier-access.ts";

/**
 * Ends the account's sessions, then has users verify the address and remove the device token. Both are idempotent per
 * event id, and both follow from the event if a call is lost. Null if the account was deleted meanwhile.
 */
export async function completeProof(
  { call }: Pick<ActionContext, "call">,
  { id: user_id, tenant_id, email }: ProvenAccount,
  event_id: string,
): Promise<Actions["users.recordProof"]["result"]["user"]> {
  await revokeSessions(call, { user_id, event_id });
  const email_key_hash = emailKeyHash(tenant_id, emailKey(email));
  const { user } = await confirmed(call("users.recordProof", { user_id, event_id, email_key_hash }));
  return user;
}
