import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { appendUserEvent } from "../core/user-events.ts";
import type { UsersDeps } from "../core/users.deps.ts";
import { lockAccount, readPushRecipient, updateAccount } from "../core/users.repo.ts";

type Recipient = Actions["users.pushRecipient"]["result"];

/** Reads the database, never a cache, so that a removed device stops receiving pushes immediately. */
export async function getPushRecipient({ db }: Pick<UsersDeps, "db">, id: string): Promise<Recipient> {
  return (await readPushRecipient(db, id)) ?? null;
}

/** Removes the token of a device that is gone, unless its owner has registered another one meanwhile. */
export async function removePushToken(
  { caches, outbox }: Pick<UsersDeps, "caches" | "outbox">,
  ctx: ActionContext<Actions["users.removePushToken"]["params"]>,
): Promise<Record<string, never>> {
  await caches.invalidating(ctx.call, ctx.params.id).transaction(async (tx) => {
    const account = await lockAccount(tx, ctx.params.id);
    if (account?.push_token !== ctx.params.push_token) return;
    await updateAccount(tx, account.id, { push_token: null });
    const data = { updated_fields: ["push_token"] };
    await appendUserEvent(outbox, tx, ctx, { type: "user.updated", user: account, data });
  });
  return {};
}
