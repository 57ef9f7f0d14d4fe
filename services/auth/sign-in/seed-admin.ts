import { DEFAULT_TENANT } from "../../../lib/actions/caller.ts";
import { isError } from "../../../lib/actions/errors.ts";
import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import type { AuthDeps } from "../dependencies.ts";
import { createAccount } from "./new-account.ts";

type SeedDeps = Pick<AuthDeps, "clock" | "random" | "ring" | "log" | "db" | "passwords">;

/** The operator chose the password: the policy is for people who sign up. Of many nodes at once the unique email lets one in. */
export async function seedAdmin(
  deps: SeedDeps,
  ctx: ActionContext<{ email: string; password: string }>,
): Promise<{ created: boolean }> {
  const { email, password } = ctx.params;
  const { user } = await ctx.call("users.findForSignIn", { tenant: DEFAULT_TENANT, email });
  if (user) return { created: false };
  try {
    await createAccount(deps, ctx, {
      password,
      fields: { tenant: DEFAULT_TENANT, email, roles: ["admin", "vendor"], is_verified: true },
    });
    return { created: true };
  } catch (error) {
    if (isError(error, "email_taken")) return { created: false };
    throw error;
  }
}
