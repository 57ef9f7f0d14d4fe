import { requireUser } from "../../lib/actions/caller.ts";
import { AppError } from "../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../lib/actions/typed-call.ts";
import type { PreferencesView } from "./defaults.ts";

/** users says who may see whom, past every cache: what was chosen a moment ago counts here too. */
export async function personPreferences(
  ctx: ActionContext<{ readonly id: string }>,
  read: (userId: string) => PreferencesView | Promise<PreferencesView>,
): Promise<Actions["preferences.person"]["result"]> {
  const { user_id, tenant_id, permissions } = requireUser(ctx.caller);
  const as_connection = permissions.includes("connections:assert");
  const { visible } = await ctx.call("users.isVisible", {
    id: ctx.params.id,
    tenant_id,
    viewer_id: user_id,
    as_connection,
  });
  if (!visible) throw new AppError("not_found");
  const all = await read(ctx.params.id);
  const { desired_titles, job_types, job_levels, industries, interests, preferred_locations } = all;
  const wishes = { desired_titles, job_types, job_levels, industries, interests, preferred_locations };
  return { user_id: all.user_id, ...wishes, remote: all.remote, willing_to_relocate: all.willing_to_relocate };
}
