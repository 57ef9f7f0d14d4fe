import { requireUser } from "../../../lib/actions/caller.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { runIdempotently } from "../../../mixins/idempotency.ts";
import type { InvalidatingTransaction } from "../../../mixins/near-cache.mixin.ts";
import { appendUserEvent } from "../core/user-events.ts";
import type { Cause, UsersDeps } from "../core/users.deps.ts";
import { type Account, lockAccount } from "../core/users.repo.ts";
import {
  deleteAvatarRow,
  isAvatarInUse,
  listStoredAvatars,
  listUnusedAvatars,
  type NextAvatar,
  replaceAvatar,
  reserveAvatar,
} from "./avatars.repo.ts";

type Params = Actions["users.setAvatar"]["params"];
type Result = Actions["users.setAvatar"]["result"];
type Deps = Pick<UsersDeps, "db" | "caches" | "outbox" | "random" | "avatars" | "publicUrl">;
type Storage = Pick<UsersDeps, "db" | "avatars">;

const sizes = ["full", "thumb"] as const;
type Size = (typeof sizes)[number];

/**
 * The URL contains 128 random bits: anyone who was given it may see the picture, and no other URL can be guessed. The bytes
 * are stored first, under a reserved row, so that the sweep finds them if the account's own row never refers to them.
 */
export async function setAvatar(deps: Deps, ctx: ActionContext<Params>): Promise<Result> {
  const { user_id } = requireUser(ctx.caller);
  const key = deps.random.bytes(16).toString("hex");
  let replaced: string[] = [];
  const answer = await runIdempotently(deps.caches.invalidating(ctx.call, user_id), ctx, {
    userId: user_id,
    prepare: () => storeAvatar(deps, user_id, key, ctx.params),
    commit: async (tx, urls: Result) => {
      replaced = await change(deps, tx, ctx, { key, url: urls.avatar_url });
      return urls;
    },
  }).catch(async (error: unknown) => {
    await dropAvatars(deps, [key]);
    throw error;
  });
  // A repeated request is answered with the key of the first one, so the key created here is unused.
  await dropAvatars(deps, answer.avatar_url.includes(key) ? replaced : [key]);
  return answer;
}

export async function deleteAvatar(deps: Deps, ctx: ActionContext): Promise<Record<string, never>> {
  const { user_id } = requireUser(ctx.caller);
  let replaced: string[] = [];
  await runIdempotently(deps.caches.invalidating(ctx.call, user_id), ctx, {
    userId: user_id,
    commit: async (tx) => {
      replaced = await change(deps, tx, ctx, null);
      return {};
    },
  });
  await dropAvatars(deps, replaced);
  return {};
}

export async function readAvatar(
  { db, avatars }: Storage,
  { params }: ActionContext<Actions["users.avatar"]["params"]>,
): Promise<{ webp: string } | null> {
  if (!(await isAvatarInUse(db, params.key))) return null;
  const bytes = await avatars.get(nameOf(params.key, params.size));
  return bytes && { webp: bytes.toString("base64") };
}

const BATCH = 1_000;

export async function dropUnusedAvatars(storage: Storage): Promise<number> {
  const keys = await listUnusedAvatars(storage.db, BATCH);
  await dropAvatars(storage, keys);
  return keys.length;
}

/** Throws if a file can't be deleted, so that the erasure is retried. Uploads in progress are left to the sweep. */
export async function eraseAvatarsOfUser({ db, avatars }: Storage, userId: string): Promise<void> {
  for (const key of await listStoredAvatars(db, userId)) {
    for (const size of sizes) await avatars.delete(nameOf(key, size));
    await deleteAvatarRow(db, key);
  }
}

/** The full-size avatar in base64; null if its file is missing. */
export async function readFullAvatar({ avatars }: Pick<Storage, "avatars">, key: string): Promise<string | null> {
  return (await avatars.get(nameOf(key, "full")))?.toString("base64") ?? null;
}

/** Stores the bytes of an avatar before it is used. If no transaction makes it the account's avatar, the sweep deletes it. */
export async function storeAvatar(
  { db, avatars, publicUrl }: Deps,
  userId: string,
  key: string,
  params: Params,
): Promise<Result> {
  await reserveAvatar(db, key, userId);
  await avatars.put(nameOf(key, "full"), Buffer.from(params.image, "base64"));
  await avatars.put(nameOf(key, "thumb"), Buffer.from(params.thumbnail, "base64"));
  return { avatar_url: `${publicUrl}/avatars/${key}.webp`, thumbnail_url: `${publicUrl}/avatars/${key}-thumb.webp` };
}

async function change(
  deps: Deps,
  tx: InvalidatingTransaction,
  ctx: ActionContext,
  next: NextAvatar | null,
): Promise<string[]> {
  const account = await lockAccount(tx, requireUser(ctx.caller).user_id);
  if (!account) throw new AppError("session_ended");
  return changeLocked(deps, tx, ctx, account, next);
}

/** Replaces the avatar of an account that the transaction has locked. Resolves to the keys that are no longer used. */
export async function changeLocked(
  { outbox }: Pick<Deps, "outbox">,
  tx: InvalidatingTransaction,
  cause: Cause,
  account: Account,
  next: NextAvatar | null,
): Promise<string[]> {
  const replaced = await replaceAvatar(tx, account.id, next);
  if (next || replaced.length > 0) {
    const data = { updated_fields: ["avatar_url"] };
    await appendUserEvent(outbox, tx, cause, { type: "user.updated", user: account, data });
  }
  return replaced;
}

/** Deletes the row last, so that the sweep retries an avatar whose files can't be deleted now. It is no longer shown. */
export async function dropAvatars({ db, avatars }: Storage, keys: readonly string[]): Promise<void> {
  for (const key of keys) {
    try {
      for (const size of sizes) await avatars.delete(nameOf(key, size));
      await deleteAvatarRow(db, key);
    } catch {
      return;
    }
  }
}

function nameOf(key: string, size: Size): string {
  return `${key}-${size}`;
}
