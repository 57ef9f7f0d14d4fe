import { requireUser } from "../../../lib/actions/caller.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import type { Clock } from "../../../lib/runtime/clock.ts";

const FRESH_SECONDS = 300;

/** Who takes over an open session must not take over the account: the password again, or a sign-in of a moment ago. */
export async function requireRecentAuth(
  { clock }: { readonly clock: Clock },
  ctx: Pick<ActionContext, "caller" | "call">,
  password: string | undefined,
): Promise<void> {
  const caller = requireUser(ctx.caller);
  if (password === undefined) {
    if (clock.now().getTime() / 1_000 - caller.auth_time > FRESH_SECONDS) throw new AppError("step_up_required");
    return;
  }
  const { ok } = await ctx.call("auth.verifyPassword", { user_id: caller.user_id, password });
  if (!ok) throw new AppError("invalid_credentials", { message: "The current password is incorrect." });
}
