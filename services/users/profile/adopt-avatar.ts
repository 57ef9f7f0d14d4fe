import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { claimInbox } from "../../../mixins/event-consumer.mixin.ts";
import type { UsersDeps } from "../core/users.deps.ts";
import { lockAccount } from "../core/users.repo.ts";
import { lacksAvatar } from "./avatars.repo.ts";
import { changeLocked, dropAvatars, storeAvatar } from "./change-avatar.ts";

type Adopt = Actions["users.adoptAvatar"];
type Deps = Pick<UsersDeps, "db" | "caches" | "outbox" | "random" | "avatars" | "publicUrl">;

/**
 * Stores the picture that the user's provider has as their avatar, unless they have an avatar. Checks under the account's lock again that it has no avatar, so that a picture uploaded meanwhile stays.
 * After a failure the stored bytes are left to the sweep, because the transaction may have committed.
 */
export async function adoptAvatar(deps: Deps, ctx: ActionContext<Adopt["params"]>): Promise<Adopt["result"]> {
  const { id, user_id, ...images } = ctx.params;
  if (!(await lacksAvatar(deps.db, user_id))) return { adopted: false };
  const key = deps.random.bytes(16).toString("hex");
  const { avatar_url: url } = await storeAvatar(deps, user_id, key, images);
  const adopted = await deps.caches.invalidating(ctx.call, user_id).transaction(async (tx) => {
    const account = await lockAccount(tx, user_id);
    if (!account || account.avatar_url !== null || !(await claimInbox(deps.db, tx, id, "adopt-avatar"))) return false;
    await changeLocked(deps, tx, ctx, account, { key, url });
    return true;
  });
  if (!adopted) await dropAvatars(deps, [key]);
  return { adopted };
}
