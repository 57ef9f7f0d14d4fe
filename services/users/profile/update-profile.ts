import { isDeepStrictEqual } from "node:util";
import { requireUser } from "../../../lib/actions/caller.ts";
import { AppError, fieldError } from "../../../lib/actions/errors.ts";
import { assertUnchanged } from "../../../lib/actions/preconditions.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { runIdempotently } from "../../../mixins/idempotency.ts";
import type { InvalidatingTransaction } from "../../../mixins/near-cache.mixin.ts";
import { appendUserEvent } from "../core/user-events.ts";
import type { UsersDeps } from "../core/users.deps.ts";
import { type Account, lockAccount, readUser } from "../core/users.repo.ts";
import { emptyProfile, type ProfileView, toProfileRow, viewProfile, withUnsetFields } from "./profile-view.ts";
import { readProfile, writeProfile } from "./profiles.repo.ts";

type Params = Actions["users.updateProfile"]["params"];
type Deps = Pick<UsersDeps, "db" | "caches" | "outbox" | "clock" | "ring" | "profiles">;

export async function getProfile(
  { db, ring, profiles }: Pick<Deps, "db" | "ring" | "profiles">,
  { caller }: Pick<ActionContext, "caller">,
): Promise<ProfileView> {
  const { user_id } = requireUser(caller);
  const row = await profiles.read(user_id, async () => {
    const stored = await readProfile(db, user_id);
    if (stored) return stored;
    const user = await readUser(db, user_id);
    return user ? emptyProfile(user_id, user.created_at) : null;
  });
  // The account was deleted, which has ended the session.
  if (!row) throw new AppError("session_ended");
  return viewProfile(ring, row);
}

/** Changes only the fields that are sent; `null` clears a field. */
export function updateProfile(deps: Omit<Deps, "profiles">, ctx: ActionContext<Params>): Promise<ProfileView> {
  const { user_id } = requireUser(ctx.caller);
  return runIdempotently(deps.caches.invalidating(ctx.call, user_id), ctx, {
    userId: user_id,
    commit: async (tx) => {
      // The profile may have no row yet, so its writers are serialized by the account's lock.
      const account = await lockAccount(tx, user_id);
      // It was deleted, which has ended the session.
      if (!account) throw new AppError("session_ended");
      return changeProfile(deps, tx, ctx, account);
    },
  });
}

export async function changeProfile(
  { outbox, clock, ring }: Pick<Deps, "outbox" | "clock" | "ring">,
  tx: InvalidatingTransaction,
  ctx: ActionContext<Params>,
  account: Pick<Account, "id" | "tenant_id" | "email" | "full_name" | "created_at">,
): Promise<ProfileView> {
  assertNotInFuture(ctx.params, clock.now());
  const current = viewProfile(
    ring,
    (await readProfile(tx, account.id)) ?? emptyProfile(account.id, account.created_at),
  );
  assertUnchanged(ctx, new Date(current.updated_at));
  const next = applyChange(current, ctx.params);
  const updated_fields = (Object.keys(current) as Array<keyof ProfileView>).filter(
    (name) => !isDeepStrictEqual(next[name], current[name]),
  );
  if (updated_fields.length === 0) return current;
  const row = toProfileRow(ring, account.id, next, clock.now());
  await writeProfile(tx, row);
  await appendUserEvent(outbox, tx, ctx, { type: "user.updated", user: account, data: { updated_fields } });
  return viewProfile(ring, row);
}

function applyChange(current: ProfileView, params: Params): ProfileView {
  const sent = Object.entries(params).filter(([, value]) => value !== undefined);
  // A list that is cleared with `null` becomes an empty list.
  const fields = withUnsetFields({ ...current, ...Object.fromEntries(sent) });
  return { ...current, ...fields };
}

function assertNotInFuture({ date_of_birth: date }: Params, now: Date): void {
  if (date && Date.parse(date) > now.getTime())
    throw fieldError("date_of_birth", "in_the_future", "must not be in the future");
}
