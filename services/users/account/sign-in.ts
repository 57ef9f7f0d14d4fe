import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { emailKey, usernameKey } from "../../../lib/runtime/text-keys.ts";
import { isoOrNull } from "../core/user-view.ts";
import type { UsersDeps } from "../core/users.deps.ts";
import { effectiveSettings, unknownTenant } from "../tenants/tenant-settings.ts";
import { findById, findByName, type NameKey, readClaims, type SignInRow } from "./sign-in.repo.ts";

type Params = Actions["users.findForSignIn"]["params"];
type Deps = Pick<UsersDeps, "db">;

/** `user` is null for a name that no account has, including a name that no account can have. */
export async function findForSignIn(
  { db }: Deps,
  { params }: ActionContext<Params>,
): Promise<Actions["users.findForSignIn"]["result"]> {
  const found = await findByName(db, params.tenant, nameKey(params));
  if (!found) throw unknownTenant();
  return found;
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

function nameKey({ email, username }: Params): NameKey {
  if (email === undefined && username !== undefined)
    return { column: "username_key", key: isStorable(username) ? usernameKey(username) : null };
  return { column: "email_key", key: email !== undefined && isStorable(email) ? emailKey(email) : null };
}

/** PostgreSQL refuses NUL in a text (22021), which would turn a wrong name into a 500. */
function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes("\0");
}
