import { originOf } from "../../../lib/actions/caller.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { revokeSessions } from "../../../lib/revocation/confirm-change.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import { runIdempotently } from "../../../mixins/idempotency.ts";
import type { AuthDeps } from "../dependencies.ts";
import { clearThrottling } from "../login-throttle/login-throttle.ts";
import { cancelPendingLinks } from "../oauth/oauth.repo.ts";
import { lockOneTimeTokens, revokeOneTimeTokens } from "../one-time-tokens/one-time-tokens.repo.ts";
import { deleteCredentials, insertPasswordCredential } from "./credentials.repo.ts";

type SetDeps = Pick<AuthDeps, "db" | "ring" | "clock" | "random" | "passwords" | "outbox">;

/**
 * Sets a password that an operator has chosen, so the password policy does not apply. As a reset does, it ends all sessions,
 * revokes mailed links and cancels pending links to providers.
 */
export async function setPassword(
  { db, ring, clock, random, passwords, outbox }: SetDeps,
  ctx: ActionContext<Actions["auth.setPassword"]["params"]>,
): Promise<Record<string, never>> {
  const { user_id, password } = ctx.params;
  const account = await ctx.call("users.signInView", { id: user_id });
  if (!account) throw new AppError("not_found", { message: "There is no such account." });
  return runIdempotently(db, ctx, {
    userId: user_id,
    prepare: async () => {
      const id = newId(clock, random);
      return { id, user_id, secret: await passwords.hash(password, id), kid: ring.active, confirmed: true };
    },
    commit: async (tx, credential) => {
      await lockOneTimeTokens(tx, user_id);
      await revokeOneTimeTokens(tx, user_id, ["reset_password", "change_email", "invite"]);
      await cancelPendingLinks(tx, user_id);
      await deleteCredentials(tx, user_id, ["password"]);
      await insertPasswordCredential(tx, credential);
      await clearThrottling(tx, account);
      return outbox.append(tx, {
        type: "password.changed",
        userId: user_id,
        tenantId: account.tenant_id,
        correlationId: ctx.correlationId,
        data: { reason: "set_by_operator", ...originOf(ctx) },
      });
    },
    after: async (event_id) => {
      await revokeSessions(ctx.call, { user_id, event_id });
      return {};
    },
  });
}
