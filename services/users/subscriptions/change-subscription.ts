import { requireUser } from "../../../lib/actions/caller.ts";
import { AppError, fieldError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { invalidateTokens } from "../../../lib/revocation/confirm-change.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import { runIdempotently } from "../../../mixins/idempotency.ts";
import type { InvalidatingTransaction } from "../../../mixins/near-cache.mixin.ts";
import { appendUserEvent } from "../core/user-events.ts";
import { viewSubscription } from "../core/user-view.ts";
import type { Cause, UsersDeps } from "../core/users.deps.ts";
import { type Account, lockAccount, updateAccount } from "../core/users.repo.ts";
import { deleteSubscription, readSubscription, type SubscriptionRow, writeSubscription } from "./subscriptions.repo.ts";

type Params = Actions["users.upgrade"]["params"];
type View = Actions["users.upgrade"]["result"];
type Settings = Actions["users.tenantSettings"]["result"];
type Deps = Pick<UsersDeps, "caches" | "outbox" | "clock" | "random">;

const DEFAULT_PLAN = "premium";

/** 403 if the tenant reserves upgrades to those who may change accounts. */
export async function upgrade(
  deps: Deps & { readonly settingsOf: (tenantId: string) => Promise<Pick<Settings, "upgrade">> },
  ctx: ActionContext<Params>,
): Promise<View> {
  const { home_tenant_id, permissions } = requireUser(ctx.caller);
  const { upgrade: by } = await deps.settingsOf(home_tenant_id);
  if (by === "permission" && !permissions.includes("users:write")) throw new AppError("forbidden");
  return changeOwn(deps, ctx, requestedSubscription(deps.clock, ctx.params));
}

export function requestedSubscription(
  { now }: Pick<UsersDeps["clock"], "now">,
  { plan, expires_at }: Params,
): SubscriptionRow {
  const end = expires_at ? new Date(expires_at) : null;
  if (end && end.getTime() <= now().getTime()) throw fieldError("expires_at", "in_the_past", "must be in the future");
  return { plan: plan ?? DEFAULT_PLAN, expires_at: end };
}

export function downgrade(deps: Deps, ctx: ActionContext): Promise<View> {
  return changeOwn(deps, ctx, null);
}

async function changeOwn(deps: Deps, ctx: ActionContext, next: SubscriptionRow | null): Promise<View> {
  const { user_id } = requireUser(ctx.caller);
  return runIdempotently(deps.caches.invalidating(ctx.call, user_id), ctx, {
    userId: user_id,
    commit: async (tx) => {
      const account = await lockAccount(tx, user_id);
      if (!account) throw new AppError("session_ended");
      return { event_id: await setSubscription(deps, tx, ctx, account, next), subscription: viewSubscription(next) };
    },
    after: async ({ subscription, event_id }) => {
      if (event_id !== null) await invalidateTokens(ctx.call, { kind: "user", id: user_id, event_id });
      return subscription;
    },
  });
}

/**
 * Changes the subscription of a locked account. Resolves to the id of the event of the latest change, with which the caller
 * invalidates tokens after the commit. If nothing changes, this is the earlier event, in case its request failed to do so.
 */
export async function setSubscription(
  deps: Pick<Deps, "outbox" | "clock" | "random">,
  tx: InvalidatingTransaction,
  cause: Cause,
  account: Account,
  next: SubscriptionRow | null,
): Promise<string | null> {
  if (isSame(await readSubscription(tx, account.id), next)) return account.subscription_event_id;
  if (next) await writeSubscription(tx, account.id, next);
  else await deleteSubscription(tx, account.id);
  return appendSubscriptionEvent(deps, tx, cause, account, next);
}

export async function appendSubscriptionEvent(
  { outbox, clock, random }: Pick<Deps, "outbox" | "clock" | "random">,
  tx: InvalidatingTransaction,
  cause: Cause,
  account: Account,
  next: SubscriptionRow | null,
): Promise<string> {
  const eventId = newId(clock, random);
  await updateAccount(tx, account.id, { subscription_event_id: eventId });
  const data = { ...viewSubscription(next) };
  return appendUserEvent(outbox, tx, cause, { type: "subscription.changed", user: account, eventId, data });
}

function isSame(current: SubscriptionRow | null, next: SubscriptionRow | null): boolean {
  return current?.plan === next?.plan && current?.expires_at?.getTime() === next?.expires_at?.getTime();
}
