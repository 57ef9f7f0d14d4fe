import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import type { AuthDeps } from "../dependencies.ts";
import { findOwners, type Identity, insertIdentities } from "../oauth/identities.repo.ts";

type Params = Actions["auth.importIdentities"]["params"];
type Result = Actions["auth.importIdentities"]["result"];

/**
 * Stores identities before their accounts are imported, as a sign-in with a provider does. One whose account is never
 * created is deleted when its owner signs in. Another account's identity is not taken from it.
 */
export async function importIdentities({ db }: Pick<AuthDeps, "db">, ctx: ActionContext<Params>): Promise<Result> {
  const rows = toRows(ctx.params.accounts, await tenantIds(ctx));
  await insertIdentities(db, rows);
  const owners = await findOwners(db, rows);
  const lost = rows.filter((row) => !owners.some((one) => isSame(one, row) && one.user_id === row.user_id));
  const ids = [...new Set(lost.map(({ user_id }) => user_id))];
  return { refused: ids.map((id) => ({ id, field: "identities", code: "identity_taken", message })) };
}

const message = "belong to another account, or two of them are from one issuer";

async function tenantIds({ call, params: { accounts } }: ActionContext<Params>): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const slug of new Set(accounts.map(({ tenant }) => tenant))) {
    const tenant = await call("users.findTenant", { slug });
    if (tenant) found.set(slug, tenant.id);
  }
  return found;
}

/** Leaves out accounts of an unknown tenant, because the import of accounts will refuse them. */
function toRows(accounts: Params["accounts"], tenants: ReadonlyMap<string, string>): Identity[] {
  return accounts.flatMap(({ user_id, tenant, identities }) => {
    const tenant_id = tenants.get(tenant);
    if (tenant_id === undefined) return [];
    return identities.map(({ issuer, sub, email = null }) => ({ tenant_id, issuer, sub, user_id, email }));
  });
}

function isSame(one: Identity, other: Identity): boolean {
  return one.tenant_id === other.tenant_id && one.issuer === other.issuer && one.sub === other.sub;
}
