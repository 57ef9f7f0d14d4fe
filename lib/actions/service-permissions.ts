import type { Config } from "../config/config.ts";
import { contracts } from "./typed-call.ts";

/** Workers have no contract of their own: nobody calls them. */
const workers: Readonly<Record<string, readonly string[]>> = {
  "worker-mail": ["mail:send"],
  "worker-push": ["mail:send"],
  "worker-maintenance": ["maintenance:run"],
  /** Makes the first administrator at start. */
  seed: ["auth:seed"],
  /** `npm run import` and `npm run export`. */
  import: ["import:write", "users:validate", "users:tenants", "activity:record"],
  export: ["export:read"],
};

export type PermissionsOfService = (name: string) => ReadonlySet<string>;

/**
 * What a calling service may do is decided where it calls, never by what the call says of itself: ours by the `needs` of
 * their contracts, foreign ones by SERVICE_PERMISSIONS, which can add nothing to ours.
 */
export function servicePermissions(config: Pick<Config, "servicePermissions">): PermissionsOfService {
  const ours = Object.fromEntries(contracts.map((one) => [one.name, one.requiredPermissions as readonly string[]]));
  const all = Object.entries({ ...config.servicePermissions, ...workers, ...ours });
  const known = new Map(all.map(([name, permissions]) => [name, new Set(permissions)]));
  return (name) => known.get(name) ?? nothing;
}

const nothing: ReadonlySet<string> = new Set();
