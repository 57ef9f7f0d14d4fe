import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import type { AuthDeps } from "../dependencies.ts";
import type { PasswordRules } from "../password/password-policy.ts";

/** The rules for a new password in this tenant. */
export async function rulesIn(
  { rules }: Pick<AuthDeps, "rules">,
  { call }: Pick<ActionContext, "call">,
  tenant: Actions["users.tenantSettings"]["params"],
): Promise<PasswordRules> {
  const { password_policy: policy } = await call("users.tenantSettings", tenant);
  return { ...rules, policy };
}
