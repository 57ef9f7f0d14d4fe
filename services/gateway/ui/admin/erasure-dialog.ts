import { html } from "htm/preact";
import type { VNode } from "preact";
import type { ErasureEntry } from "../app/api-types.ts";
import { formatDateTime, formatNumber, t } from "../app/messages.ts";
import { Button } from "../components/button.ts";
import { Dialog } from "../components/dialog.ts";

interface ErasureProps {
  readonly erasure: ErasureEntry;
  readonly onClose: () => void;
}

/** An erasure with the receipts of the services. Once it is completed, it is the certificate. */
export function ErasureDialog({ erasure, onClose }: ErasureProps): VNode {
  const { id, requested_at, erase_at, completed_at, receipts } = erasure;
  const services = Object.entries(receipts);
  const title = t(completed_at === null ? "erasures.one" : "erasures.certificate");
  return html`<${Dialog} title=${title} wide onClose=${onClose}>
    <dl class="facts">
      <div><dt>${t("erasures.requested")}</dt><dd>${formatDateTime(requested_at)}</dd></div>
      <div><dt>${t("erasures.due")}</dt><dd>${formatDateTime(erase_at)}</dd></div>
      <div><dt>${t("erasures.state_completed")}</dt><dd>${completed_at === null ? "–" : formatDateTime(completed_at)}</dd></div>
      <div class="span-all"><dt>${t("erasures.id")}</dt><dd><code class="break">${id}</code></dd></div>
    </dl>
    ${services.length === 0 && html`<p class="muted">${t("erasures.no_receipts")}</p>`}
    <dl class="facts receipts">${services.map(
      ([name, { at, rows }]) => html`<div><dt><strong>${name}</strong> · ${formatDateTime(at)}</dt>
      <dd>${Object.entries(rows).map(([table, count]) => html`<span><code class="break">${table}</code> ${formatNumber(count)}</span>`)}</dd></div>`,
    )}</dl>
    <div class="dialog-actions">
      ${services.length > 0 && html`<${Button} icon="download" onClick=${() => download(erasure)}>${t("erasures.download")}<//>`}
      <${Button} kind="primary" onClick=${onClose}>${t("close")}<//>
    </div>
  <//>` as VNode;
}

function download(erasure: ErasureEntry): void {
  const url = URL.createObjectURL(new Blob([JSON.stringify(erasure, null, 2)], { type: "application/json" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = `erasure-${erasure.id}.json`;
  link.click();
  URL.revokeObjectURL(url);
}
