import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { appendUserEvent } from "../core/user-events.ts";
import type { UsersDeps } from "../core/users.deps.ts";
import { lockAccount, readPushRecipient, updateAccount } from "../core/users.repo.ts";

type Recipient = Actions["users.pushRecipient"]["result"];

/** Past every cache: who has given up a device is not pushed to any more. */
export async function getPushRecipient({ db }: Pick<UsersDeps, "db">, id: string): Promise<Recipient> {
  return (await readPushRecipient(db, id)) ?? null;
}

/** A device that is gone. Its owner may have a new one meanwhile: that token stays. */
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
