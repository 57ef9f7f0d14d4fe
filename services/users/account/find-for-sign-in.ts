import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { emailKey, usernameKey } from "../../../lib/runtime/text-keys.ts";
import type { UsersDeps } from "../core/users.deps.ts";
import { findTenantId } from "../core/users.repo.ts";
import { unknownTenant } from "../tenants/tenant-settings.ts";
import { findByEmailKey, findById, findByUsernameKey, type SignInRow } from "./sign-in.repo.ts";

type Params = Actions["users.findForSignIn"]["params"];
type Deps = Pick<UsersDeps, "db">;

/** What is no address or name at all is answered like one that nobody has. */
export async function findForSignIn(
  { db }: Deps,
  { params }: ActionContext<Params>,
): Promise<Actions["users.findForSignIn"]["result"]> {
  const tenantId = await findTenantId(db, params.tenant);
  if (tenantId === undefined) throw unknownTenant();
  const [user] = await find(db, tenantId, params);
  return { tenant_id: tenantId, user: user ?? null };
}

export async function readSignInView({ db }: Deps, id: string): Promise<SignInRow | null> {
  const [user] = await findById(db, id);
  return user ?? null;
}

async function find(db: Deps["db"], tenantId: string, { email, username }: Params): Promise<SignInRow[]> {
  if (email !== undefined) return isStorable(email) ? findByEmailKey(db, tenantId, emailKey(email)) : [];
  if (username !== undefined) return isStorable(username) ? findByUsernameKey(db, tenantId, usernameKey(username)) : [];
  return [];
}

/** PostgreSQL takes no NUL in a text (22021), which would make a 500 of a wrong name. */
function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes("\0");
}
