import { isDeepStrictEqual } from "node:util";
import { originOf, requireUser, type UserCaller } from "../../lib/actions/caller.ts";
import { AppError } from "../../lib/actions/errors.ts";
import { assertUnchanged } from "../../lib/actions/preconditions.ts";
import type { ActionContext, Actions } from "../../lib/actions/typed-call.ts";
import { derivedId, newId } from "../../lib/runtime/ids.ts";
import { runIdempotently } from "../../mixins/idempotency.ts";
import type { InvalidatingTransaction } from "../../mixins/near-cache.mixin.ts";
import { applyChange, assertRangesValid, type Change, defaults, type Settings } from "./defaults.ts";
import { lockPreferences, readPreferences, updatePreferences } from "./preferences.repo.ts";
import { createdAt, type PreferencesDeps, viewPreferences } from "./read-preferences.ts";

type Ctx = ActionContext<Change>;
type Preferences = Actions["preferences.updateMe"]["result"];
type VisibilityChange = Actions["users.setVisibility"]["result"];

/** Changes only the fields that are sent. */
export function updateOwnPreferences(deps: PreferencesDeps, ctx: Ctx): Promise<Preferences> {
  const caller = requireUser(ctx.caller);
  return runIdempotently(deps.caches.invalidating(ctx.call, caller.user_id), ctx, {
    userId: caller.user_id,
    prepare: () => changeVisibility(deps, ctx, caller.user_id),
    commit: (tx, visibility) => changeSettings(deps, tx, ctx, caller, visibility),
  });
}

/**
 * The users service commits the change of visibility first. A crash before this service commits is harmless: visibility is
 * as the user wanted it, both services return it, and `user.updated` is recorded. The client got no answer, and its retry
 * commits the rest.
 */
async function changeVisibility(
  { db, clock, random }: PreferencesDeps,
  ctx: Ctx,
  user_id: string,
): Promise<VisibilityChange> {
  const { privacy_profile, privacy_location } = ctx.params;
  if (privacy_profile === undefined && privacy_location === undefined)
    return { ...(await ctx.call("users.visibility", { user_id })), updated_fields: [] };
  // Checked here too, because a change that the commit refuses must not change the visibility either.
  const row = await readPreferences(db, user_id);
  assertUnchanged(ctx, row?.updated_at ?? createdAt(user_id));
  assertRangesValid(applyChange(row?.overrides ?? {}, ctx.params), ctx.params);
  // The users service applies an operation id once, so a delayed duplicate of this request undoes no later change.
  const key = ctx.idempotency;
  const operation_id = key ? derivedId(`${key.scope} ${key.key}`, user_id) : newId(clock, random);
  return ctx.call("users.setVisibility", { user_id, operation_id, privacy_profile, privacy_location });
}

async function changeSettings(
  deps: PreferencesDeps,
  tx: InvalidatingTransaction,
  ctx: Ctx,
  caller: UserCaller,
  { updated_fields: changedVisibility, ...visibility }: VisibilityChange,
): Promise<Preferences> {
  const { user_id } = caller;
  const row = await lockPreferences(tx, user_id, createdAt(user_id));
  if (!row) throw new AppError("account_erased");
  assertUnchanged(ctx, row.updated_at);
  const overrides = applyChange(row.overrides, ctx.params);
  assertRangesValid(overrides, ctx.params);
  const changed = changedSettings({ ...defaults, ...row.overrides }, { ...defaults, ...overrides });
  const updated_fields = [...changed, ...changedVisibility];
  if (updated_fields.length === 0) return { ...viewPreferences(user_id, row), ...visibility };
  const next = { overrides, updated_at: deps.clock.now() };
  await updatePreferences(tx, user_id, next);
  await deps.outbox.append(tx, {
    type: "preferences.updated",
    userId: user_id,
    tenantId: caller.home_tenant_id,
    correlationId: ctx.correlationId,
    data: { updated_fields, ...originOf(ctx) },
  });
  return { ...viewPreferences(user_id, next), ...visibility };
}

function changedSettings(before: Settings, after: Settings): string[] {
  return (Object.keys(defaults) as Array<keyof Settings>).filter(
    (name) => !isDeepStrictEqual(before[name], after[name]),
  );
}
