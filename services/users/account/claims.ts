import type { Actions } from "../../../lib/actions/typed-call.ts";
import { isoOrNull } from "../core/user-view.ts";
import type { UsersDeps } from "../core/users.deps.ts";
import { inForce } from "../tenants/tenant-settings.ts";
import { readClaims } from "./sign-in.repo.ts";

/** What an access token says of an account, read from the database and past every cache. */
export async function claimsOf(
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
    access_token_seconds: inForce(bounds, settings).access_token_seconds,
  };
}
