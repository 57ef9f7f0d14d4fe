import { DEFAULT_TENANT } from "../../../lib/actions/caller.ts";
import { isError } from "../../../lib/actions/errors.ts";
import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import type { AuthDeps } from "../dependencies.ts";
import { createAccount } from "./create-account.ts";

type SeedDeps = Pick<AuthDeps, "clock" | "random" | "ring" | "log" | "db" | "passwords">;

/**
 * Creates the first administrator, unless an account has the email. The password policy does not apply: the operator chose
 * the password. If several nodes seed at once, the unique index on the email lets one succeed.
 */
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
