import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import type { AuthDeps } from "../dependencies.ts";
import { deleteOrphan, findOwners, type Identity, insertIdentities } from "../oauth/identities.repo.ts";

type Params = Actions["auth.importIdentities"]["params"];
type Result = Actions["auth.importIdentities"]["result"];
type Deps = Pick<AuthDeps, "db">;

/**
 * Stores identities before their accounts are imported, as a sign-in with a provider does. One whose account is never
 * created is deleted when its owner signs in, or when it is imported for another account. An identity of an account that
 * exists is not taken from it.
 */
export async function importIdentities({ db }: Deps, ctx: ActionContext<Params>): Promise<Result> {
  const rows = toRows(ctx.params.accounts, await tenantIds(ctx));
  let stored = await store(db, rows);
  const ofOthers = stored.filter((one) => !rows.some((row) => isSame(one, row) && one.user_id === row.user_id));
  // An import that was interrupted may have stored them for ids that it no longer uses.
  if (ofOthers.length > 0 && (await deleteOrphans(db, ctx, ofOthers))) stored = await store(db, rows);
  const refused = rows.filter((row) => !stored.some((one) => isSame(one, row) && one.user_id === row.user_id));
  const ids = [...new Set(refused.map(({ user_id }) => user_id))];
  return { refused: ids.map((id) => ({ id, field: "identities", code: "identity_taken", message })) };
}

/** Of one call of `users.validate`. */
const MAX_IDS = 1_000;
const message = "belong to another account, or two of them are from one issuer";

/** The rows that are stored for these identities afterwards, whichever account they belong to. */
async function store(db: Deps["db"], rows: readonly Identity[]): Promise<Identity[]> {
  await insertIdentities(db, rows);
  return findOwners(db, rows);
}

/** Whether any was deleted. */
async function deleteOrphans(
  db: Deps["db"],
  { call }: ActionContext,
  identities: readonly Identity[],
): Promise<boolean> {
  const ids = [...new Set(identities.map(({ user_id }) => user_id))];
  const existing = new Set<string>();
  for (let at = 0; at < ids.length; at += MAX_IDS) {
    for (const { id } of await call("users.validate", { ids: ids.slice(at, at + MAX_IDS) })) existing.add(id);
  }
  const orphans = identities.filter(({ user_id }) => !existing.has(user_id));
  const deleted = await Promise.all(orphans.map((one) => deleteOrphan(db, one, one.user_id)));
  return deleted.includes(true);
}

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
