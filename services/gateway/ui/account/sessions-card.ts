import { useSignal } from "@preact/signals";
import { html } from "htm/preact";
import type { VNode } from "preact";
import { describeError } from "../app/api-client.ts";
import type { Session } from "../app/api-types.ts";
import { formatDateTime, formatRelative, t } from "../app/messages.ts";
import { api, signOut } from "../app/session.ts";
import { Button } from "../components/button.ts";
import { Card } from "../components/card.ts";
import { Alert, Badge, toast } from "../components/feedback.ts";
import { Icon } from "../components/icons.ts";
import { Loaded } from "../components/loaded.ts";
import { sessions } from "./account-data.ts";

/** Where the account is signed in. */
export function SessionsCard(): VNode {
  const busy = useSignal(false);
  const failure = useSignal<string | null>(null);
  const revokeOthers = async () => {
    busy.value = true;
    const others = (sessions.data.value ?? []).filter((one) => !one.is_current);
    const results = await Promise.allSettled(others.map(({ id }) => api.delete(`auth/sessions/${id}`)));
    const failed = results.find((one) => one.status === "rejected");
    failure.value = failed === undefined ? null : describeError(failed.reason);
    if (failed === undefined) toast(t("sessions.others_ended"));
    await sessions.load();
    busy.value = false;
  };
  const hasOthers = (sessions.data.value?.length ?? 0) > 1;
  const action =
    hasOthers && html`<${Button} small busy=${busy.value} onClick=${revokeOthers}>${t("sessions.end_others")}<//>`;
  return html`<${Card} title=${t("sessions.title")} text=${t("sessions.text")} action=${action}>
    ${failure.value !== null && html`<${Alert} tone="danger">${failure.value}<//>`}
    <${Loaded} resource=${sessions} render=${(list: readonly Session[]) =>
      html`<ul class="list">${currentFirst(list).map((one) => html`<${SessionRow} key=${one.id} session=${one} onFailure=${(text: string) => (failure.value = text)} />`)}</ul>`} />
  <//>` as VNode;
}

function currentFirst(list: readonly Session[]): readonly Session[] {
  return list.toSorted((one, other) => Number(other.is_current) - Number(one.is_current));
}

interface SessionRowProps {
  readonly session: Session;
  readonly onFailure: (text: string) => void;
}

function SessionRow({ session, onFailure }: SessionRowProps): VNode {
  const busy = useSignal(false);
  const end = async () => {
    if (session.is_current) return signOut();
    busy.value = true;
    try {
      await api.delete(`auth/sessions/${session.id}`);
      toast(t("sessions.ended"));
    } catch (error) {
      onFailure(describeError(error));
    }
    await sessions.load();
    busy.value = false;
  };
  const name = deviceName(session);
  return html`<li class="list-row">
    <span class="list-icon"><${Icon} name=${session.device.type === "mobile" || session.device.type === "tablet" ? "phone" : "monitor"} /></span>
    <div class="list-text">
      <strong>${name} ${session.is_current && html`<${Badge} tone="accent">${t("sessions.current")}<//>`}</strong>
      <span title=${formatDateTime(session.last_used_at)}>${session.ip ?? ""} · ${t("sessions.last_used", { when: formatRelative(session.last_used_at) })}</span>
    </div>
    <button type="button" class="button button-secondary button-small" aria-label="${t("sessions.end")}: ${name}" aria-disabled=${busy.value ? "true" : undefined}
      onClick=${end}>${busy.value && html`<span class="spinner" aria-hidden="true"></span>`}${t("sessions.end")}</button>
  </li>` as VNode;
}

function deviceName({ device }: Session): string {
  if (device.name) return device.name;
  const known = [device.browser, device.os].filter((part) => part !== null);
  return known.length === 0 ? t("sessions.unknown_device") : known.join(" · ");
}
