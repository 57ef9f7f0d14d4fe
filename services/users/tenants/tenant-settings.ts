import { type AppError, fieldError } from "../../../lib/actions/errors.ts";
import type { Actions } from "../../../lib/actions/typed-call.ts";
import type { Config } from "../../../lib/config/config.ts";
import type { UsersDeps } from "../core/users.deps.ts";
import type { StoredSettings } from "../users.entities.ts";
import { findTenant } from "./tenants.repo.ts";

type InForce = Actions["users.tenantSettings"]["result"];
type Bounds = Pick<
  Config["auth"],
  "passwordPolicy" | "accessTokenSeconds" | "refreshIdleSeconds" | "sessionMaxSeconds"
>;

/** The one place that says which settings hold in a tenant. */
export async function tenantSettings(
  { db, bounds }: Pick<UsersDeps, "db" | "bounds">,
  tenant: Actions["users.tenantSettings"]["params"],
): Promise<InForce> {
  const row = await findTenant(db, tenant);
  if (!row) throw unknownTenant();
  return inForce(bounds, row.settings);
}

/** What the installation allows is looked at again here: it may allow less than when the tenant chose. */
export function inForce(bounds: Bounds, settings: StoredSettings): InForce {
  const { password_policy: policy, access_token_minutes: minutes, refresh_token_days, session_max_days } = settings;
  return {
    password_policy: policy && strength[policy] > strength[bounds.passwordPolicy] ? policy : bounds.passwordPolicy,
    access_token_seconds: least(bounds.accessTokenSeconds, minutes, 60),
    refresh_idle_seconds: least(bounds.refreshIdleSeconds, refresh_token_days, DAY),
    session_max_seconds: least(bounds.sessionMaxSeconds, session_max_days, DAY),
    max_users: accountLimit(settings),
  };
}

/** The installation has none. */
export function accountLimit(settings: StoredSettings): number | null {
  return settings.max_users ?? null;
}

/** 422 for what is beyond the installation's bounds: a setting that has no effect would be a lie. */
export function assertWithinBounds(bounds: Bounds, settings: StoredSettings): void {
  const { password_policy: policy, access_token_minutes, refresh_token_days, session_max_days } = settings;
  if (policy && strength[policy] < strength[bounds.passwordPolicy]) throw beyond("password_policy");
  if (isMore(access_token_minutes, 60, bounds.accessTokenSeconds)) throw beyond("access_token_minutes");
  if (isMore(refresh_token_days, DAY, bounds.refreshIdleSeconds)) throw beyond("refresh_token_days");
  if (isMore(session_max_days, DAY, bounds.sessionMaxSeconds)) throw beyond("session_max_days");
}

const DAY = 86_400;
const strength = { length: 0, classic: 1, nist: 2 } as const;

function least(bound: number, value: number | undefined, unit: number): number {
  return value === undefined ? bound : Math.min(bound, value * unit);
}

function isMore(value: number | undefined, unit: number, bound: number): boolean {
  return value !== undefined && value * unit > bound;
}

function beyond(name: string) {
  return fieldError(`settings.${name}`, "beyond_bounds", "is outside the range this installation allows");
}

export function unknownTenant(): AppError {
  return fieldError("tenant", "unknown_tenant", "is not a known tenant");
}
