import { signal } from "@preact/signals";
import { html } from "htm/preact";
import type { ComponentChildren, VNode } from "preact";
import { Icon, type IconName } from "./icons.ts";

type Tone = "danger" | "warning" | "success" | "info";
const toneIcons: Readonly<Record<Tone, IconName>> = {
  danger: "alert",
  warning: "alert",
  success: "check",
  info: "info",
};

interface AlertProps {
  readonly tone: Tone;
  readonly title?: string;
  readonly children?: ComponentChildren;
}

/** A message in the page. One about a failure is announced at once. */
export function Alert({ tone, title, children }: AlertProps): VNode {
  const role = tone === "danger" ? "alert" : "status";
  return html`<div class="alert alert-${tone}" role=${role}>
    <${Icon} name=${toneIcons[tone]} size=${18} />
    ${title && html`<p class="alert-title">${title}</p>`}
    ${children && html`<div class="alert-body">${children}</div>`}
  </div>` as VNode;
}

export function Badge({
  tone,
  children,
}: {
  readonly tone?: Tone | "accent";
  readonly children?: ComponentChildren;
}): VNode {
  return html`<span class="badge ${tone ? `badge-${tone}` : ""}">${children}</span>` as VNode;
}

interface EmptyProps {
  readonly icon: IconName;
  readonly title: string;
  readonly text: string;
  readonly children?: ComponentChildren;
}

/** What a list shows without entries, or when it could not be loaded. */
export function Empty({ icon, title, text, children }: EmptyProps): VNode {
  return html`<div class="empty">
    <span class="empty-icon"><${Icon} name=${icon} size=${22} /></span>
    <p class="empty-title">${title}</p>
    <p>${text}</p>
    ${children}
  </div>` as VNode;
}

/** Grey lines in the shape of what is being loaded. */
export function Skeleton({ lines = 3, label }: { readonly lines?: number; readonly label: string }): VNode {
  const widths = ["62%", "88%", "74%", "52%"];
  return html`<div class="stack" role="status" aria-label=${label}>
    ${Array.from({ length: lines }, (_, index) => html`<span class="skeleton" style=${{ width: widths[index % widths.length] }}></span>`)}
  </div>` as VNode;
}

const TOAST_MS = 5_000;
const toasts = signal<ReadonlyArray<{ readonly id: number; readonly text: string }>>([]);
let lastToast = 0;

/** Confirms an action for a few seconds. */
export function toast(text: string): void {
  lastToast += 1;
  const id = lastToast;
  toasts.value = [...toasts.value, { id, text }];
  setTimeout(() => {
    toasts.value = toasts.value.filter((one) => one.id !== id);
  }, TOAST_MS);
}

export function Toasts(): VNode {
  return html`<div class="toasts" role="status" aria-live="polite">
    ${toasts.value.map(({ id, text }) => html`<div class="toast" key=${id}><${Icon} name="check" size=${16} />${text}</div>`)}
  </div>` as VNode;
}
