import { requestedTenant } from "../../../lib/actions/caller.ts";
import type { ParamsOf, ResultOf } from "../../../lib/actions/contract.ts";
import { isError } from "../../../lib/actions/errors.ts";
import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import type { authContract } from "../auth.contract.ts";
import type { AuthDeps } from "../dependencies.ts";
import { assertPasswordAllowed } from "../password/passwords.ts";
import { type AccountFields, createAccount } from "./new-account.ts";
import { rulesIn } from "./tenant-rules.ts";

type Input = ParamsOf<typeof authContract, "register">;
type Output = ResultOf<typeof authContract, "register">;
type RegistrationDeps = Pick<
  AuthDeps,
  "config" | "clock" | "random" | "ring" | "log" | "db" | "passwords" | "rules" | "breached"
>;

/** Where sign-up hides who is registered, the outcome is the same for a taken name and for a free one. */
export async function register(deps: RegistrationDeps, ctx: ActionContext<Input>): Promise<Output> {
  const { email, username, password, preferences } = ctx.params;
  const fullName = ctx.params.full_name ?? ctx.params.name;
  const rules = await rulesIn(deps, ctx, { slug: requestedTenant(ctx.caller) });
  await assertPasswordAllowed(deps, rules, { field: "password", password, owner: { email, username, fullName } });
  const hidden = deps.config.auth.preventUserEnumeration;
  try {
    const user = await createAccount(deps, ctx, {
      password,
      fields: accountFields(ctx, fullName),
      before: async (userId) => {
        if (preferences) await ctx.call("preferences.create", { user_id: userId, preferences });
      },
    });
    return { user: hidden ? null : user };
  } catch (error) {
    if (hidden && isError(error, "email_taken", "username_taken")) return { user: null };
    throw error;
  }
}

/** users owns visibility, so that part of the preferences goes there. */
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
