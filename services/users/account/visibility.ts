import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { claimInbox } from "../../../mixins/event-consumer.mixin.ts";
import { defaultVisibility } from "../contract/users-shapes.contract.ts";
import { appendUserEvent } from "../core/user-events.ts";
import type { UsersDeps } from "../core/users.deps.ts";
import { lockAccount, readVisibility, updateAccount } from "../core/users.repo.ts";

export async function getVisibility(
  { db, visibilities }: Pick<UsersDeps, "db" | "visibilities">,
  userId: string,
): Promise<Actions["users.visibility"]["result"]> {
  return (await visibilities.read(userId, () => readVisibility(db, userId))) ?? defaultVisibility;
}

type Change = Actions["users.setVisibility"];

export async function setVisibility(
  { db, caches, outbox }: Pick<UsersDeps, "db" | "caches" | "outbox">,
  ctx: ActionContext<Change["params"]>,
): Promise<Change["result"]> {
  const { user_id, operation_id } = ctx.params;
  return caches.invalidating(ctx.call, user_id).transaction(async (tx) => {
    const account = await lockAccount(tx, user_id);
    if (!account) throw new AppError("not_found");
    const { privacy_profile, privacy_location } = account;
    const current = { privacy_profile, privacy_location };
    const isNew = await claimInbox(db, tx, operation_id, "set-visibility");
    const next = isNew ? merge(current, ctx.params) : current;
    const updated_fields = (["privacy_profile", "privacy_location"] as const).filter(
      (name) => next[name] !== current[name],
    );
    if (updated_fields.length > 0) {
      await updateAccount(tx, user_id, next);
      await appendUserEvent(outbox, tx, ctx, { type: "user.updated", user: account, data: { updated_fields } });
    }
    return { ...next, updated_fields };
  });
}

function merge(current: typeof defaultVisibility, change: Change["params"]): typeof defaultVisibility {
  const { privacy_profile = current.privacy_profile, privacy_location = current.privacy_location } = change;
  return {
    privacy_profile: privacy_profile ?? defaultVisibility.privacy_profile,
    privacy_location: privacy_location ?? defaultVisibility.privacy_location,
  };
}
