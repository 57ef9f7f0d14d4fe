import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import type { Transaction } from "../../../mixins/database.mixin.ts";
import type { Outbox } from "../../../mixins/outbox.mixin.ts";
import { type Identity, insertIdentity } from "./identities.repo.ts";
import type { OAuthProviders } from "./oauth-providers.ts";

interface Deps {
  readonly outbox: Outbox;
  readonly oauth: OAuthProviders;
}
type Ctx = Pick<ActionContext, "client" | "correlationId">;
type Linked = Pick<Identity, "user_id" | "tenant_id" | "issuer">;

/** A new way into an account that is there: its owner is told (ASVS 5.0 V6.3.7). False as `insertIdentity`. */
export async function addIdentity(deps: Deps, tx: Transaction, ctx: Ctx, identity: Identity): Promise<boolean> {
  if (!(await insertIdentity(tx, identity))) return false;
  await appendIdentityEvent(deps, tx, ctx, "identity.linked", identity);
  return true;
}

export async function appendIdentityEvent(
  { outbox, oauth }: Deps,
  tx: Transaction,
  { client, correlationId }: Ctx,
  type: "identity.linked" | "identity.unlinked",
  { user_id, tenant_id, issuer }: Linked,
): Promise<void> {
  const provider = providerName(oauth, issuer);
  const data = { provider, actor_id: user_id, ...(client.ip !== "" && { ip: client.ip }) };
  await outbox.append(tx, { type, userId: user_id, tenantId: tenant_id, correlationId, data });
}

/** Of a provider that is not configured any more its issuer is all that is known. */
export function providerName({ all }: Deps["oauth"], issuer: string): string {
  return all.find((one) => one.issuer === issuer)?.name ?? issuer;
}
