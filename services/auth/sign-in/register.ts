import { requestedTenant } from "../../../lib/actions/caller.ts";
import type { ParamsOf, ResultOf } from "../../../lib/actions/contract.ts";
import { isError } from "../../../lib/actions/errors.ts";
import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import type { authContract } from "../auth.contract.ts";
import type { AuthDeps } from "../dependencies.ts";
import { assertPasswordAllowed } from "../password/assert-password-allowed.ts";
import { type AccountFields, createAccount } from "./create-account.ts";
import { registrationBinding } from "./registration-binding.ts";

type Input = ParamsOf<typeof authContract, "register">;
type Output = ResultOf<typeof authContract, "register">;
type RegisterDeps = Pick<
  AuthDeps,
  "config" | "clock" | "random" | "ring" | "log" | "db" | "passwords" | "commonPasswords" | "breachedPasswords"
>;

/**
 * Signs up with a password. With PREVENT_USER_ENUMERATION the response is the same whether or not the email is taken,
 * and takes as long: `createAccount` hashes the password before it learns that. The username is not reserved then.
 */
export async function register(deps: RegisterDeps, ctx: ActionContext<Input>): Promise<Output> {
  const { email, username, password, preferences } = ctx.params;
  const fullName = ctx.params.full_name ?? ctx.params.name;
  await assertPasswordAllowed(deps, ctx, {
    tenant: { slug: requestedTenant(ctx.caller) },
    field: "password",
    password,
    owner: { email, username, fullName },
  });
  const { preventUserEnumeration } = deps.config.auth;
  try {
    const user = await createAccount(deps, ctx, {
      password,
      fields: accountFields(ctx, fullName),
      before: async (userId) => {
        if (preferences) await ctx.call("preferences.create", { user_id: userId, preferences });
      },
    });
    const registration_binding = registrationBinding(deps.ring, deps.random, user.id);
    return { user: preventUserEnumeration ? null : user, registration_binding };
  } catch (error) {
    if (preventUserEnumeration && isError(error, "email_taken"))
      return { user: null, registration_binding: registrationBinding(deps.ring, deps.random, null) };
    throw error;
  }
}

/** The users service stores the visibility settings, so that part of the preferences goes there. */
function accountFields({ caller, params }: ActionContext<Input>, fullName: string | undefined): AccountFields {
  const { privacy_profile: profile, privacy_location: location } = params.preferences ?? {};
  return {
    tenant: requestedTenant(caller),
    email: params.email,
    username: params.username ?? null,
    full_name: fullName ?? null,
    push_token: params.push_token ?? null,
    ...(profile != null && { privacy_profile: profile }),
    ...(location != null && { privacy_location: location }),
  };
}
