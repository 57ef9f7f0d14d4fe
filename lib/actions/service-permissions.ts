import type { Config } from "../config/config.ts";
import { contracts } from "./typed-call.ts";

/** Callers that nobody calls, and that therefore have no contract. */
const workers: Readonly<Record<string, readonly string[]>> = {
  "worker-mail": ["mail:send"],
  "worker-push": ["mail:send"],
  "worker-maintenance": ["maintenance:run"],
  /** Creates the first administrator at startup. */
  seed: ["auth:seed"],
  /** `npm run import` and `npm run export`. */
  import: ["import:write", "users:validate", "users:tenants", "activity:record"],
  export: ["export:read"],
};

export type PermissionsOfService = (name: string) => ReadonlySet<string>;

/**
 * Permissions of calling services, decided on the node that is called and never taken from the call itself. Services of
 * Usermesh have what their contract requires; others have what SERVICE_PERMISSIONS grants, which cannot extend ours.
 */
export function servicePermissions(config: Pick<Config, "servicePermissions">): PermissionsOfService {
  const ours = Object.fromEntries(contracts.map((one) => [one.name, one.requiredPermissions as readonly string[]]));
  const all = Object.entries({ ...config.servicePermissions, ...workers, ...ours });
  const known = new Map(all.map(([name, permissions]) => [name, new Set(permissions)]));
  return (name) => known.get(name) ?? none;
}

const none: ReadonlySet<string> = new Set();
