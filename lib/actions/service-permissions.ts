import type { Config } from "../config/config.ts";
import { contracts } from "./typed-call.ts";

/** Callers without a contract, because they offer no actions. */
const workers: Readonly<Record<string, readonly string[]>> = {
  "worker-mail": ["mail:send"],
  "worker-pictures": ["auth:pictures", "users:adopt_avatar"],
  "worker-push": ["mail:send"],
  "worker-webhooks": ["webhooks:deliver"],
  "worker-maintenance": ["maintenance:run"],
  /** Creates the first administrator at startup. */
  seed: ["auth:seed"],
  /** `npm run admin`. */
  administration: ["auth:seed", "users:sign_in", "users:appoint"],
  /** `npm run import` and `npm run export`. */
  import: ["import:write", "users:validate", "users:tenants", "activity:record"],
  export: ["export:read"],
};

export type PermissionsOfService = (name: string) => ReadonlySet<string>;

/**
 * Permissions of calling services, determined by the called node and never read from the call itself. Usermesh's own
 * services hold what their contract requires, others what SERVICE_PERMISSIONS grants; it cannot change our own.
 */
export function servicePermissions(config: Pick<Config, "servicePermissions">): PermissionsOfService {
  const ours = Object.fromEntries(contracts.map((one) => [one.name, one.requiredPermissions as readonly string[]]));
  const all = Object.entries({ ...config.servicePermissions, ...workers, ...ours });
  const known = new Map(all.map(([name, permissions]) => [name, new Set(permissions)]));
  return (name) => known.get(name) ?? none;
}

const none: ReadonlySet<string> = new Set();
