import { useSignal } from "@preact/signals";
import { html } from "htm/preact";
import type { VNode } from "preact";
import { useMemo } from "preact/hooks";
import type { Keys } from "../app/api-types.ts";
import { formatDateTime, formatNumber, t } from "../app/messages.ts";
import { createResource } from "../app/resource.ts";
import { api } from "../app/session.ts";
import { Button } from "../components/button.ts";
import { Card } from "../components/card.ts";
import { ConfirmDialog } from "../components/confirm-dialog.ts";
import { ConsoleHead } from "../components/console.ts";
import { Alert, Badge, toast } from "../components/feedback.ts";
import { Loaded } from "../components/loaded.ts";
import { type Column, Table } from "../components/table.ts";

type SigningKey = Keys["signing"][number];
type Usage = Keys["key_ring"]["usage"][number];

const stateTones = { next: "accent", signing: "success", verifying: undefined } as const;

/** The keys that sign access tokens, and what the keys of SECRET_KEY protect. */
export function KeysSection(): VNode {
  const keys = useMemo(() => createResource(async () => (await api.get<Keys>("admin/keys")).data), []);
  const isRotating = useSignal(false);
  const rotate = async () => {
    const { data } = await api.post<{ sign_from: string }>("admin/keys/rotate");
    toast(t("keys.rotated", { when: formatDateTime(data.sign_from) }));
    await keys.load();
  };
  const action = html`<${Button} small icon="refresh" onClick=${() => (isRotating.value = true)}>${t("keys.rotate")}<//>`;
  return html`<${ConsoleHead} title=${t("admin.keys")} text=${t("keys.text")} />
    <${Loaded} resource=${keys} lines=${8} render=${(data: Keys) => html`<div class="console-cards">
      <${Card} title=${t("keys.signing")} text=${t("keys.signing_text")} action=${action} flush>
        <${Table} label=${t("keys.signing")} columns=${signingColumns()} rows=${data.signing} keyOf=${({ kid }: SigningKey) => kid} />
      <//>
      <${Card} title=${t("keys.ring")} text=${t("keys.ring_text", { active: data.key_ring.active })} flush>
        <${RingState} ring=${data.key_ring} />
        <${Table} label=${t("keys.ring")} columns=${ringColumns(data.key_ring)} rows=${data.key_ring.usage} keyOf=${({ kid, what }: Usage) => `${kid} ${what}`} />
      <//>
    </div>`} />
    ${isRotating.value && html`<${ConfirmDialog} title=${t("keys.rotate_title")} text=${t("keys.rotate_text")} action=${t("keys.rotate")} onConfirm=${rotate} onClose=${() => (isRotating.value = false)} />`}` as VNode;
}

function signingColumns(): ReadonlyArray<Column<SigningKey>> {
  return [
    { name: "kid", label: t("keys.key"), cell: ({ kid }) => html`<code class="break">${kid}</code>` },
    {
      name: "state",
      label: t("accounts.status"),
      cell: ({ state }) => html`<${Badge} tone=${stateTones[state]}>${t(`keys.state_${state}`)}<//>`,
    },
    { name: "from", label: t("keys.sign_from"), minor: true, cell: ({ sign_from }) => formatDateTime(sign_from) },
    { name: "until", label: t("keys.sign_until"), minor: true, cell: ({ sign_until }) => formatDateTime(sign_until) },
    {
      name: "verify",
      label: t("keys.verify_until"),
      minor: true,
      cell: ({ verify_until }) => formatDateTime(verify_until),
    },
  ];
}

/** Rows under any other key still have to be re-encrypted under the active one. */
function RingState({ ring }: { readonly ring: Keys["key_ring"] }): VNode {
  const left = ring.usage.filter(({ kid }) => kid !== ring.active).reduce((sum, { rows }) => sum + rows, 0);
  const isMissing = ring.usage.some(({ kid }) => !ring.known.includes(kid));
  if (isMissing) return html`<div class="card-note"><${Alert} tone="danger">${t("keys.missing")}<//></div>` as VNode;
  if (left > 0)
    return html`<div class="card-note"><${Alert} tone="warning">${t("keys.left", { rows: left })}<//></div>` as VNode;
  return html`<div class="card-note"><${Alert} tone="success">${t("keys.all_active")}<//></div>` as VNode;
}

function ringColumns({ active, known }: Keys["key_ring"]): ReadonlyArray<Column<Usage>> {
  const state = (kid: string) => (kid === active ? "active" : known.includes(kid) ? "old" : "missing");
  const tones = { active: "success", old: "warning", missing: "danger" } as const;
  return [
    { name: "kid", label: t("keys.key"), cell: ({ kid }) => html`<code>${kid}</code>` },
    { name: "what", label: t("keys.protects"), cell: ({ what }) => what },
    {
      name: "state",
      label: t("accounts.status"),
      minor: true,
      cell: ({ kid }) => html`<${Badge} tone=${tones[state(kid)]}>${t(`keys.ring_${state(kid)}`)}<//>`,
    },
    { name: "rows", label: t("keys.rows"), numeric: true, cell: ({ rows }) => formatNumber(rows) },
  ];
}
