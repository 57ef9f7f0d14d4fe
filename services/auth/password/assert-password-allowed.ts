import { fieldError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import type { AuthDeps } from "../dependencies.ts";
import { findPolicyViolation, type PasswordOwner, type PolicyViolation } from "./password-policy.ts";

interface NewPassword {
  /** Id or slug. */
  readonly tenant: Actions["users.tenantSettings"]["params"];
  /** Name of the request field, for the error. */
  readonly field: string;
  readonly password: string;
  readonly owner: PasswordOwner;
}

const breachedPassword: PolicyViolation = {
  code: "password_breached",
  message: "This password has appeared in a data breach. Choose a different one.",
};

/** 422 for the field if the tenant's policy does not allow the password, or the password is known from a data breach. */
export async function assertPasswordAllowed(
  { commonPasswords, breachedPasswords }: Pick<AuthDeps, "commonPasswords" | "breachedPasswords">,
  ctx: Pick<ActionContext, "call">,
  { tenant, field, password, owner }: NewPassword,
): Promise<void> {
  const { password_policy: policy } = await ctx.call("users.tenantSettings", tenant);
  const violation =
    findPolicyViolation({ policy, commonPasswords }, password, owner) ??
    ((await breachedPasswords.includes(password)) ? breachedPassword : null);
  if (violation) throw fieldError(field, violation.code, violation.message);
}
