import type * as z from "zod";
import type { User } from "../contract/users-shapes.contract.ts";
import type { UserRow } from "./users.repo.ts";

export type UserView = z.output<typeof User>;

/** The row in the form of the contract. */
export function viewUser(row: UserRow): UserView {
  const { plan, expires_at, is_premium, created_at, updated_at, last_login_at, deleted_at, ...account } = row;
  return {
    ...account,
    subscription: viewSubscription(is_premium && plan !== null ? { plan, expires_at } : null),
    created_at: created_at.toISOString(),
    updated_at: updated_at.toISOString(),
    last_login_at: isoOrNull(last_login_at),
    deleted_at: isoOrNull(deleted_at),
  };
}

/** The time at which the view changes without a write: the end of the subscription, in milliseconds since 1970. */
export function endOfView({ subscription: { tier, expires_at } }: Pick<UserView, "subscription">): number {
  return tier === "premium" && expires_at !== null ? Date.parse(expires_at) : Number.POSITIVE_INFINITY;
}

export function viewSubscription(subscription: { readonly plan: string; readonly expires_at: Date | null } | null) {
  const tier = subscription ? ("premium" as const) : ("basic" as const);
  return { tier, plan: subscription?.plan ?? null, expires_at: isoOrNull(subscription?.expires_at ?? null) };
}

export function isoOrNull(time: Date | null): string | null {
  return time?.toISOString() ?? null;
}
