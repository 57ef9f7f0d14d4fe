import { DEFAULT_TENANT, operatorName } from "../../../lib/actions/caller.ts";
import { isError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import type { AuthDeps } from "../dependencies.ts";
import { createAccount } from "./create-account.ts";

type SeedResult = Actions["auth.seedAdmin"]["result"];
type SeedDeps = Pick<AuthDeps, "clock" | "random" | "ring" | "log" | "db" | "passwords">;

/**
 * Creates the first administrator, unless an account has the email. The password policy does not apply: the operator chose
 * the password. If several nodes seed at once, the unique index on the email lets one succeed.
 */
export async function seedAdmin(
  deps: SeedDeps,
  ctx: ActionContext<{ email: string; password: string }>,
): Promise<SeedResult> {
  const { email, password } = ctx.params;
  const actor = ctx.caller.kind === "operator" && { actor: operatorName(ctx.caller) };
  const { user } = await ctx.call("users.findForSignIn", { tenant: DEFAULT_TENANT, email });
  if (user) return describe(ctx, email);
  try {
    await createAccount(deps, ctx, {
      password,
      fields: { tenant: DEFAULT_TENANT, email, roles: ["admin", "vendor"], is_verified: true, ...actor },
    });
    return { created: true, is_administrator: true, has_administrator: true };
  } catch (error) {
    if (isError(error, "email_taken")) return describe(ctx, email);
    throw error;
  }
}

/** For an account that exists: it may be an earlier administrator's, or was imported or registered by anyone. */
async function describe({ call }: Pick<ActionContext, "call">, email: string): Promise<SeedResult> {
  const { tenant_id, user } = await call("users.findForSignIn", { tenant: DEFAULT_TENANT, email });
  const claims = user && (await call("users.claims", { id: user.id }));
  const { exists } = await call("users.hasAdministrator", { tenant_id });
  const is_administrator = claims?.is_active === true && claims.roles.includes("admin");
  return { created: false, is_administrator, has_administrator: exists };
}
