import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { emailKey, usernameKey } from "../../../lib/runtime/text-keys.ts";
import { isoOrNull } from "../core/user-view.ts";
import type { UsersDeps } from "../core/users.deps.ts";
import { findTenantId } from "../core/users.repo.ts";
import { effectiveSettings, unknownTenant } from "../tenants/tenant-settings.ts";
import { findByEmailKey, findById, findByUsernameKey, readClaims, type SignInRow } from "./sign-in.repo.ts";

type Params = Actions["users.findForSignIn"]["params"];
type Deps = Pick<UsersDeps, "db">;

/** `user` is null for a name that no account has, including a name that no account can have. */
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

/** The account's claims for an access token, always read from the database. */
export async function getClaims(
  { db, bounds }: Pick<UsersDeps, "db" | "bounds">,
  id: string,
): Promise<Actions["users.claims"]["result"]> {
  const row = await readClaims(db, id);
  if (!row) return null;
  const { is_premium, expires_at, settings, ...account } = row;
  return {
    ...account,
    tier: is_premium ? "premium" : "basic",
    tier_expires_at: is_premium ? isoOrNull(expires_at) : null,
    access_token_seconds: effectiveSettings(bounds, settings).access_token_seconds,
  };
}

async function find(db: Deps["db"], tenantId: string, { email, username }: Params): Promise<SignInRow[]> {
  if (email !== undefined) return isStorable(email) ? findByEmailKey(db, tenantId, emailKey(email)) : [];
  if (username !== undefined) return isStorable(username) ? findByUsernameKey(db, tenantId, usernameKey(username)) : [];
  return [];
}

/** PostgreSQL refuses NUL in a text (22021), which would turn a wrong name into a 500. */
function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes("\0");
}
