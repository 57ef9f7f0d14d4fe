import type { ParamsOf } from "../../../lib/actions/contract.ts";
import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import type { authContract } from "../auth.contract.ts";
import type { AuthDeps } from "../dependencies.ts";
import { checkLoginPassword, findLoginTarget } from "./login.ts";
import { recordRefusedSignIn } from "./refused-sign-in.ts";

type Input = ParamsOf<typeof authContract, "restoreAccount">;
type RestoreDeps = Pick<
  AuthDeps,
  "config" | "clock" | "random" | "timers" | "ring" | "log" | "db" | "passwords" | "failureTime" | "securityEvents"
>;

/** Takes back the owner's own deletion, with their password: a deleted account has no session to ask with. */
export async function restoreAccount(deps: RestoreDeps, ctx: ActionContext<Input>): Promise<Record<string, never>> {
  const target = await findLoginTarget(deps, ctx);
  try {
    const { account } = await checkLoginPassword(deps, ctx, target);
    return await ctx.call("users.restoreOwn", { id: account.id });
  } catch (error) {
    recordRefusedSignIn(deps, ctx, { tenantId: target.tenantId, userId: target.exists ? target.userId : null }, error);
    throw error;
  }
}
