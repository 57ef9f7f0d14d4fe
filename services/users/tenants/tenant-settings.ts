import { domainToASCII } from "node:url";
import { type AppError, fieldError } from "../../../lib/actions/errors.ts";
import type { Actions } from "../../../lib/actions/typed-call.ts";
import type { Config } from "../../../lib/config/config.ts";
import type { UsersDeps } from "../core/users.deps.ts";
import type { StoredSettings } from "../users.entities.ts";
import { findTenant } from "./tenants.repo.ts";

type EffectiveSettings = Actions["users.tenantSettings"]["result"];
type Bounds = Pick<
  Config["auth"],
  "passwordPolicy" | "accessTokenSeconds" | "refreshIdleSeconds" | "sessionMaxSeconds"
>;

/** The settings that apply in a tenant. Throws 422 `unknown_tenant`. */
export async function getTenantSettings(
  { db, bounds }: Pick<UsersDeps, "db" | "bounds">,
  tenant: Actions["users.tenantSettings"]["params"],
): Promise<EffectiveSettings> {
  const row = await findTenant(db, tenant);
  if (!row) throw unknownTenant();
  return effectiveSettings(bounds, row.settings);
}

/** Applies the installation's bounds again, because they may be narrower than when the tenant chose its settings. */
export function effectiveSettings(bounds: Bounds, settings: StoredSettings): EffectiveSettings {
  const { password_policy: policy, access_token_minutes: minutes, refresh_token_days, session_max_days } = settings;
  return {
    password_policy: policy && strength[policy] > strength[bounds.passwordPolicy] ? policy : bounds.passwordPolicy,
    access_token_seconds: limitTo(bounds.accessTokenSeconds, minutes, 60),
    refresh_idle_seconds: limitTo(bounds.refreshIdleSeconds, refresh_token_days, DAY_SECONDS),
    session_max_seconds: limitTo(bounds.sessionMaxSeconds, session_max_days, DAY_SECONDS),
    max_users: accountLimit(settings),
    registration: settings.registration ?? "open",
    registration_domains: settings.registration_domains ?? [],
    upgrade: settings.upgrade ?? "self",
  };
}

/** Whether someone with this address may create an account without an invitation. */
export function mayRegister(
  { registration, registration_domains }: Readonly<Pick<EffectiveSettings, "registration" | "registration_domains">>,
  email: string,
): boolean {
  if (registration !== "domains") return registration === "open";
  return registration_domains.includes(domainToASCII(email.slice(email.lastIndexOf("@") + 1)));
}

/** Null means unlimited. */
export function accountLimit(settings: StoredSettings): number | null {
  return settings.max_users ?? null;
}

/** Throws 422 for a setting beyond the installation's bounds, because it would have no effect if it were stored. */
export function assertWithinBounds(bounds: Bounds, settings: StoredSettings): void {
  const { password_policy: policy, access_token_minutes, refresh_token_days, session_max_days } = settings;
  if (policy && strength[policy] < strength[bounds.passwordPolicy]) throw beyondBounds("password_policy");
  if (exceeds(access_token_minutes, 60, bounds.accessTokenSeconds)) throw beyondBounds("access_token_minutes");
  if (exceeds(refresh_token_days, DAY_SECONDS, bounds.refreshIdleSeconds)) throw beyondBounds("refresh_token_days");
  if (exceeds(session_max_days, DAY_SECONDS, bounds.sessionMaxSeconds)) throw beyondBounds("session_max_days");
}

const DAY_SECONDS = 86_400;
const strength = { length: 0, classic: 1, nist: 2 } as const;

function limitTo(bound: number, value: number | undefined, unit: number): number {
  return value === undefined ? bound : Math.min(bound, value * unit);
}

function exceeds(value: number | undefined, unit: number, bound: number): boolean {
  return value !== undefined && value * unit > bound;
}

function beyondBounds(name: string) {
  return fieldError(`settings.${name}`, "beyond_bounds", "is outside the range this installation allows");
}

export function unknownTenant(): AppError {
  return fieldError("tenant", "unknown_tenant", "is not a known tenant");
}
