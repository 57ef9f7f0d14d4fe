import { requireUser } from "../../../lib/actions/caller.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import type { UsersDeps } from "./users.deps.ts";
import { readUser } from "./users.repo.ts";

const MAX_AUTH_AGE_SECONDS = 300;

/** Requires the password or a sign-in under five minutes old, so that a hijacked session can't take over the account. */
export async function requireRecentAuth(
  { clock, db }: Pick<UsersDeps, "clock" | "db">,
  ctx: Pick<ActionContext, "caller" | "call">,
  password: string | undefined,
): Promise<void> {
  const { user_id, auth_time } = requireUser(ctx.caller);
  if (password === undefined) {
    if (clock.now().getTime() / 1_000 - auth_time > MAX_AUTH_AGE_SECONDS) throw new AppError("step_up_required");
    return;
  }
  const account = await readUser(db, user_id);
  if (!account) throw new AppError("session_ended");
  const { id, tenant_id, email } = account;
  const { ok } = await ctx.call("auth.verifyPassword", { id, tenant_id, email, password });
  if (!ok) throw new AppError("invalid_credentials", { message: "The current password is incorrect." });
}
