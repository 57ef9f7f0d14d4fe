import { useSignal } from "@preact/signals";
import { html } from "htm/preact";
import type { VNode } from "preact";
import { useMemo } from "preact/hooks";
import { describeError } from "../app/api-client.ts";
import type { DeadLetter, Queue } from "../app/api-types.ts";
import { formatDateTime, formatNumber, formatRelative, hasMessage, t } from "../app/messages.ts";
import { createResource } from "../app/resource.ts";
import { changeQuery, query } from "../app/router.ts";
import { api } from "../app/session.ts";
import { Button } from "../components/button.ts";
import { Card } from "../components/card.ts";
import { ConfirmDialog } from "../components/confirm-dialog.ts";
import { ConsoleHead } from "../components/console.ts";
import { Alert, Empty, toast } from "../components/feedback.ts";
import { Icon } from "../components/icons.ts";
import { Loaded } from "../components/loaded.ts";
import { useInterval } from "./interval.ts";

const REFRESH_MS = 5_000;
const MAX_SHOWN = 50;
const states = ["waiting", "active", "delayed", "failed"] as const;

/** The queues of the installation, and the dead letters of one. */
export function QueuesSection(): VNode {
  const queues = useMemo(() => createResource(async () => (await api.get<readonly Queue[]>("admin/queues")).data), []);
  const chosen = new URLSearchParams(query.value).get("queue") ?? "mail";
  useInterval(() => queues.load(), REFRESH_MS);
  return html`<${ConsoleHead} title=${t("admin.queues")} text=${t("queues.text")} />
    <div class="console-cards">
      <${Loaded} resource=${queues} render=${(list: readonly Queue[]) =>
        html`<div class="tiles" role="group" aria-label=${t("admin.queues")}>${list.map(
          (one) => html`<${QueueTile} key=${one.name} queue=${one} isChosen=${one.name === chosen} />`,
        )}</div>`} />
      <${DeadLetters} key=${chosen} queue=${chosen} onChange=${() => queues.load()} />
    </div>` as VNode;
}

function QueueTile({
  queue: { name, counts },
  isChosen,
}: {
  readonly queue: Queue;
  readonly isChosen: boolean;
}): VNode {
  const dead = counts?.failed ?? 0;
  return html`<button type="button" class="tile" aria-pressed=${isChosen} onClick=${() => changeQuery({ queue: name })}>
    <strong class="tile-title">${titleOf(name)}</strong>
    ${counts === null && html`<span class="muted small">${t("queues.unavailable")}</span>`}
    ${counts !== null && html`<span class="tile-counts">${states.map((state) => html`<span class=${state === "failed" && dead > 0 ? "tile-alarm" : ""}><b class="numeric">${formatNumber(counts[state] ?? 0)}</b> ${t(`queues.${state}`)}</span>`)}</span>`}
  </button>` as VNode;
}

function titleOf(name: string): string {
  return hasMessage(`queues.name_${name}`) ? t(`queues.name_${name}`) : name;
}

interface DeadLettersProps {
  readonly queue: string;
  readonly onChange: () => void;
}

function DeadLetters({ queue, onChange }: DeadLettersProps): VNode {
  const path = `admin/queues/${queue}`;
  const letters = useMemo(
    () =>
      createResource(async () => (await api.get<readonly DeadLetter[]>(`${path}/failed`, { limit: MAX_SHOWN })).data),
    [path],
  );
  useInterval(() => letters.load(), REFRESH_MS);
  const failure = useSignal<string | null>(null);
  const dropped = useSignal<DeadLetter | null>(null);
  const reload = async () => {
    onChange();
    await letters.load();
  };
  const retry = async (id?: string) => {
    failure.value = null;
    try {
      const { data } = await api.post<{ retried: number }>(`${path}/retry`, id === undefined ? {} : { id });
      toast(t("queues.retried", { count: data.retried }));
    } catch (error) {
      failure.value = describeError(error);
    }
    await reload();
  };
  const drop = async () => {
    await api.delete(`${path}/failed/${dropped.value?.id}`);
    toast(t("queues.dropped"));
    await reload();
  };
  const hasSome = (letters.data.value?.length ?? 0) > 0;
  const action = hasSome && html`<${Button} small icon="refresh" onClick=${() => retry()}>${t("queues.retry_all")}<//>`;
  return html`<${Card} title=${t("queues.dead_letters", { queue: titleOf(queue) })} text=${t("queues.dead_text")} action=${action}>
    ${failure.value !== null && html`<${Alert} tone="danger">${failure.value}<//>`}
    <${Loaded} resource=${letters} render=${(list: readonly DeadLetter[]) =>
      list.length === 0
        ? html`<${Empty} icon="check" title=${t("queues.none")} text=${t("queues.none_text")} />`
        : html`<ul class="list">${list.map((one) => html`<${Letter} key=${one.id} letter=${one} onRetry=${() => retry(one.id)} onDrop=${() => (dropped.value = one)} />`)}</ul>`} />
    ${
      dropped.value !== null &&
      html`<${ConfirmDialog} title=${t("queues.drop_title")} text=${t("queues.drop_text")} action=${t("queues.drop")} danger onConfirm=${drop} onClose=${() => (dropped.value = null)} />`
    }
  <//>` as VNode;
}

interface LetterProps {
  readonly letter: DeadLetter;
  readonly onRetry: () => void;
  readonly onDrop: () => void;
}

function Letter({ letter, onRetry, onDrop }: LetterProps): VNode {
  const { id, name, attempts, reason, failed_at, data } = letter;
  return html`<li class="list-row letter">
    <span class="list-icon"><${Icon} name="alert" /></span>
    <div class="list-text">
      <strong>${name}</strong>
      <span title=${formatDateTime(failed_at)}>${formatRelative(failed_at)} · ${t("queues.attempts", { count: attempts })}</span>
      <code class="reason">${reason}</code>
      <details><summary>${t("queues.look")}</summary><pre tabindex="0">${JSON.stringify(data, null, 2)}</pre><p class="muted small break">${id}</p></details>
    </div>
    <div class="row letter-actions">
      <${Button} small onClick=${onRetry}>${t("queues.retry")}<//>
      <${Button} small kind="danger-quiet" onClick=${onDrop}>${t("queues.drop")}<//>
    </div>
  </li>` as VNode;
}
