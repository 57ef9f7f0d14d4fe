import { type Caller, DEFAULT_TENANT } from "../../../lib/actions/caller.ts";

/** Slug of the tenant that an anonymous request names. */
export function requestedTenant(caller: Caller): string {
  return caller.kind === "anonymous" ? caller.tenant : DEFAULT_TENANT;
}
