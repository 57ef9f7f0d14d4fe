import { useSignal } from "@preact/signals";
import { html } from "htm/preact";
import type { VNode } from "preact";
import { useMemo } from "preact/hooks";
import type { Session, User } from "../../app/api-types.ts";
import { formatDateTime, formatRelative, t } from "../../app/messages.ts";
import { createResource } from "../../app/resource.ts";
import { Button } from "../../components/button.ts";
import { Card } from "../../components/card.ts";
import { ConfirmDialog } from "../../components/confirm-dialog.ts";
import { toast } from "../../components/feedback.ts";
import { Icon } from "../../components/icons.ts";
import { Loaded } from "../../components/loaded.ts";
import { may, tenantApi } from "../access.ts";

/** Where the account is signed in. */
export function AccountSessionsCard({ user }: { readonly user: User }): VNode {
  const path = `admin/users/${user.id}/sessions`;
  const isEnding = useSignal(false);
  const sessions = useMemo(
    // Read again when the status changes: deactivation ends all sessions.
    () => createResource(async () => (await tenantApi.get<readonly Session[]>(path)).data),
    [path, user.is_active],
  );
  const end = async () => {
    await tenantApi.delete(path);
    toast(t("account.sessions_ended"));
    await sessions.load();
  };
  const hasSome = (sessions.data.value?.length ?? 0) > 0;
  const action =
    hasSome &&
    may("sessions:write") &&
    html`<${Button} small onClick=${() => (isEnding.value = true)}>${t("account.end_sessions")}<//>`;
  return html`<${Card} title=${t("account.sessions")} action=${action}>
    <${Loaded} resource=${sessions} render=${(list: readonly Session[]) => html`<${SessionList} list=${list} />`} />
    ${
      isEnding.value &&
      html`<${ConfirmDialog} title=${t("account.end_sessions_title")} text=${t("account.end_sessions_text")} action=${t("account.end_sessions")} danger
      onConfirm=${end} onClose=${() => (isEnding.value = false)} />`
    }
  <//>` as VNode;
}

function SessionList({ list }: { readonly list: readonly Session[] }): VNode {
  if (list.length === 0) return html`<p class="muted">${t("account.no_sessions")}</p>` as VNode;
  return html`<ul class="list">${list.map(
    (one) => html`<li class="list-row" key=${one.id}>
      <span class="list-icon"><${Icon} name=${one.device.type === "mobile" || one.device.type === "tablet" ? "phone" : "monitor"} /></span>
      <div class="list-text"><strong>${deviceName(one)}</strong><span title=${formatDateTime(one.last_used_at)}>${one.ip ?? ""} · ${formatRelative(one.last_used_at)}</span></div>
    </li>`,
  )}</ul>` as VNode;
}

function deviceName({ device }: Session): string {
  const known = [device.browser, device.os].filter((part) => part !== null);
  return device.name ?? (known.length === 0 ? t("account.unknown_device") : known.join(" · "));
}
