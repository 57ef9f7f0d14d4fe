import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import type { Transaction } from "../../../mixins/database/database.mixin.ts";
import type { AuthDeps } from "../dependencies.ts";
import { type Identity, insertIdentity } from "./identities.repo.ts";

type EventDeps = Pick<AuthDeps, "outbox" | "oauth">;
type Ctx = Pick<ActionContext, "client" | "correlationId">;

/** Links an identity to an existing account, whose owner is notified by the event (ASVS 5.0 V6.3.7). Returns false when `insertIdentity` does. */
export async function addIdentity(deps: EventDeps, tx: Transaction, ctx: Ctx, identity: Identity): Promise<boolean> {
  if (!(await insertIdentity(tx, identity))) return false;
  await appendIdentityEvent(deps, tx, ctx, "identity.linked", identity);
  return true;
}

export async function appendIdentityEvent(
  { outbox, oauth }: EventDeps,
  tx: Transaction,
  { client, correlationId }: Ctx,
  type: "identity.linked" | "identity.unlinked",
  { user_id, tenant_id, issuer }: Pick<Identity, "user_id" | "tenant_id" | "issuer">,
): Promise<void> {
  const provider = providerName(oauth, issuer);
  const { ip, languages } = client;
  const data = { provider, actor_id: user_id, ...(ip !== "" && { ip }), ...(languages && { languages }) };
  await outbox.append(tx, { type, userId: user_id, tenantId: tenant_id, correlationId, data });
}

/** The issuer itself if its provider is no longer configured. */
export function providerName({ all }: EventDeps["oauth"], issuer: string): string {
  return all.find((provider) => provider.issuer === issuer)?.name ?? issuer;
}
