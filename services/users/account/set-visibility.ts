import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { appendUserEvent } from "../core/user-events.ts";
import type { UsersDeps } from "../core/users.deps.ts";
import { lockAccount, updateVisibility } from "../core/users.repo.ts";

type Params = Actions["users.setVisibility"]["params"];

/** Who may see an account is written here before preferences shows it as written. */
export async function setVisibility(
  { db, outbox }: Pick<UsersDeps, "db" | "outbox">,
  ctx: ActionContext<Params>,
): Promise<Record<string, never>> {
  const { user_id, privacy_profile, privacy_location } = ctx.params;
  await db.transaction(async (tx) => {
    const account = await lockAccount(tx, user_id);
    if (!account) throw new AppError("not_found");
    const next = {
      id: user_id,
      privacy_profile: privacy_profile ?? account.privacy_profile,
      privacy_location: privacy_location ?? account.privacy_location,
    };
    const updated_fields = (["privacy_profile", "privacy_location"] as const).filter(
      (name) => next[name] !== account[name],
    );
    if (updated_fields.length === 0) return;
    await updateVisibility(tx, next);
    await appendUserEvent(outbox, tx, ctx, { type: "user.updated", user: account, data: { updated_fields } });
  });
  return {};
}
