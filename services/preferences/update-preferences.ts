import { isDeepStrictEqual } from "node:util";
import { requireUser, type UserCaller } from "../../lib/actions/caller.ts";
import { AppError } from "../../lib/actions/errors.ts";
import type { ActionContext } from "../../lib/actions/typed-call.ts";
import type { Clock } from "../../lib/runtime/clock.ts";
import type { Database, Transaction } from "../../mixins/database.mixin.ts";
import { runIdempotently } from "../../mixins/idempotency.ts";
import type { Outbox } from "../../mixins/outbox.mixin.ts";
import { assertConsistent, type Change, defaults, merge, type PreferencesView, type Settings } from "./defaults.ts";
import { lockPreferences, updatePreferences } from "./preferences.repo.ts";
import { viewPreferences } from "./read-preferences.ts";

export interface PreferencesDeps {
  readonly db: Database;
  readonly outbox: Outbox;
  readonly clock: Clock;
}

/** Changes just the fields that are sent. */
export function updatePreferencesOf(deps: PreferencesDeps, ctx: ActionContext<Change>): Promise<PreferencesView> {
  const caller = requireUser(ctx.caller);
  return runIdempotently(deps.db, ctx, { userId: caller.user_id, commit: (tx) => change(deps, tx, ctx, caller) });
}

async function change(
  deps: PreferencesDeps,
  tx: Transaction,
  ctx: ActionContext<Change>,
  caller: UserCaller,
): Promise<PreferencesView> {
  const { user_id } = caller;
  const row = await lockPreferences(tx, user_id);
  if (!row) throw new AppError("account_erased");
  const overrides = merge(row.overrides, ctx.params);
  assertConsistent(overrides, ctx.params);
  await showToUsers(ctx, user_id, { ...defaults, ...overrides });
  const updated_fields = changedFields(viewPreferences(user_id, row), { ...defaults, ...overrides });
  if (updated_fields.length === 0) return viewPreferences(user_id, row);
  const next = { overrides, updated_at: deps.clock.now() };
  await updatePreferences(tx, user_id, next);
  await appendUpdateEvent(deps.outbox, tx, ctx, caller, updated_fields);
  return viewPreferences(user_id, next);
}

/** Below idle_in_transaction_session_timeout, so that a slow answer is our 503 and not a broken connection. */
const VISIBILITY_TIMEOUT_MS = 800;

/**
 * Who may see an account is enforced by users, so users knows first. Under our row's lock: of two changes at once the
 * one that is stored last is also the one that users heard last. Behind the idempotency key: a repeated request must
 * not undo what was chosen since.
 */
async function showToUsers(ctx: ActionContext<Change>, user_id: string, settings: Settings): Promise<void> {
  if (ctx.params.privacy_profile === undefined && ctx.params.privacy_location === undefined) return;
  const { privacy_profile, privacy_location } = settings;
  await ctx.call(
    "users.setVisibility",
    { user_id, privacy_profile, privacy_location },
    { timeout: VISIBILITY_TIMEOUT_MS },
  );
}

function changedFields(before: Settings, after: Settings): string[] {
  return (Object.keys(defaults) as Array<keyof Settings>).filter(
    (name) => !isDeepStrictEqual(before[name], after[name]),
  );
}

async function appendUpdateEvent(
  outbox: Outbox,
  tx: Transaction,
  ctx: ActionContext,
  caller: UserCaller,
  updated_fields: string[],
): Promise<void> {
  await outbox.append(tx, {
    type: "preferences.updated",
    userId: caller.user_id,
    tenantId: caller.home_tenant_id,
    correlationId: ctx.correlationId,
    data: { updated_fields, actor_id: caller.user_id, ...(ctx.client.ip !== "" && { ip: ctx.client.ip }) },
  });
}
