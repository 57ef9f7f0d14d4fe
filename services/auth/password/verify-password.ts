import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import type { AuthDeps } from "../dependencies.ts";
import { verifyPassword } from "./password-proof.ts";

type VerifyDeps = Pick<AuthDeps, "db" | "clock" | "timers" | "passwords">;

/** 429 `too_many_attempts` where the account is slowed. */
export async function verifyPasswordOf(
  deps: VerifyDeps,
  ctx: ActionContext<{ user_id: string; password: string }>,
): Promise<{ ok: boolean }> {
  const account = await ctx.call("users.signInView", { id: ctx.params.user_id });
  if (!account) return { ok: false };
  const { ok } = await verifyPassword(deps, ctx, account, ctx.params.password);
  return { ok };
}
