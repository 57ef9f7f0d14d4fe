import { html } from "htm/preact";
import type { VNode } from "preact";
import type { User } from "../../app/api-types.ts";
import { t } from "../../app/messages.ts";
import { Badge } from "../../components/feedback.ts";

export function displayName({ full_name, username, email }: Pick<User, "full_name" | "username" | "email">): string {
  return full_name ?? username ?? email;
}

/** The states of an account that an administrator should see at first sight. */
export function AccountBadges({ user }: { readonly user: User }): VNode {
  if (user.deleted_at !== null) return html`<${Badge} tone="danger">${t("account_state.deleted")}<//>` as VNode;
  return html`
    ${user.is_active ? html`<${Badge} tone="success">${t("account_state.active")}<//>` : html`<${Badge} tone="danger">${t("account_state.disabled")}<//>`}
    ${!user.is_verified && html`<${Badge} tone="warning">${t("account_state.unverified")}<//>`}
    ${user.subscription.tier === "premium" && html`<${Badge} tone="accent">${t("account_state.premium")}<//>`}` as VNode;
}
