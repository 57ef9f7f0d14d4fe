import { type Caller, DEFAULT_TENANT } from "../../../lib/actions/caller.ts";

/** Slug of the tenant that an anonymous request names. */
export function namedTenant(caller: Caller): string {
  return caller.kind === "anonymous" ? caller.tenant : DEFAULT_TENANT;
}
