import { html } from "htm/preact";
import type { VNode } from "preact";
import { useMemo } from "preact/hooks";
import type { Step } from "../../app/api-types.ts";
import { formatDateTime, t } from "../../app/messages.ts";
import { createResource } from "../../app/resource.ts";
import { api } from "../../app/session.ts";
import { Button } from "../../components/button.ts";
import { Dialog } from "../../components/dialog.ts";
import { Empty } from "../../components/feedback.ts";
import { Loaded } from "../../components/loaded.ts";
import { formatMs } from "./mesh-format.ts";

interface JourneyProps {
  readonly id: string;
  readonly onClose: () => void;
}

/** The calls, events, jobs and mails that a request has caused, on a timeline. */
export function JourneyDialog({ id, onClose }: JourneyProps): VNode {
  const path = `admin/requests/${encodeURIComponent(id)}`;
  const journey = useMemo(
    () => createResource(async () => (await api.get<{ steps: readonly Step[] }>(path)).data.steps),
    [path],
  );
  return html`<${Dialog} title=${t("journey.title")} onClose=${onClose} wide>
    <p class="muted small break"><code>${id}</code></p>
    <${Loaded} resource=${journey} lines=${6} render=${(steps: readonly Step[]) =>
      steps.length === 0
        ? html`<${Empty} icon="clock" title=${t("journey.forgotten")} text=${t("journey.forgotten_text")} />`
        : html`<${Timeline} steps=${steps} />`} />
    <div class="dialog-actions">
      <${Button} icon="refresh" onClick=${() => journey.load()}>${t("journey.reload")}<//>
      <${Button} onClick=${onClose}>${t("close")}<//>
    </div>
  <//>` as VNode;
}

function Timeline({ steps }: { readonly steps: readonly Step[] }): VNode {
  const start = Math.min(...steps.map(({ at }) => Date.parse(at)));
  const end = Math.max(...steps.map(({ at, duration_ms }) => Date.parse(at) + duration_ms), start + 1);
  const depths = depthsOf(steps);
  return html`<div class="journey">
    <p class="muted small">${t("journey.summary", { count: steps.length, time: formatMs(end - start), when: formatDateTime(steps[0]?.at ?? "") })}</p>
    <ol>${steps.map((step, index) => html`<${StepRow} step=${step} depth=${depths[index] ?? 0} start=${start} length=${end - start} />`)}</ol>
  </div>` as VNode;
}

interface StepRowProps {
  readonly step: Step;
  readonly depth: number;
  /** Start of the whole journey, in milliseconds since the epoch, and its length. */
  readonly start: number;
  readonly length: number;
}

function StepRow({ step, depth, start, length }: StepRowProps): VNode {
  const offset = Date.parse(step.at) - start;
  const left = Math.min(99, (offset / length) * 100);
  const width = Math.max(0.6, Math.min(100 - left, (step.duration_ms / length) * 100));
  const isFailure = step.kind === "request" ? !/^[23]/.test(step.outcome) : step.outcome !== "ok";
  return html`<li class="step step-${step.kind} ${isFailure ? "step-failed" : ""}">
    <div class="step-name" style=${{ paddingLeft: `${Math.min(depth, 6) * 14}px` }}>
      <span class="step-kind">${t(`journey.${step.kind}`)}</span>
      <span class="break"><strong>${step.name}</strong> <small>${step.kind === "request" ? step.node : `${step.from} → ${step.service} · ${step.node}`}</small></span>
    </div>
    <div class="step-line"><i style=${{ left: `${left}%`, width: `${width}%` }}></i></div>
    <span class="numeric step-time"><b class="step-took">${formatMs(step.duration_ms)}</b><small>+${formatMs(offset)}${isFailure ? ` · ${step.outcome}` : ""}</small></span>
  </li>` as VNode;
}

/** The depth of each step: one more than that of the latest step of its caller that was under way, or 0 without one. */
function depthsOf(steps: readonly Step[]): number[] {
  const depths: number[] = [];
  for (const [index, step] of steps.entries()) {
    const parent = steps.slice(0, index).findLastIndex((one) => one.service === step.from && contains(one, step));
    depths.push(parent < 0 ? 0 : (depths[parent] ?? 0) + 1);
  }
  return depths;
}

/** Clocks of two nodes differ by a few milliseconds. */
const CLOCK_LEEWAY_MS = 5;

function contains(outer: Step, inner: Step): boolean {
  const [start, at] = [Date.parse(outer.at), Date.parse(inner.at)];
  return at >= start - CLOCK_LEEWAY_MS && at <= start + outer.duration_ms + CLOCK_LEEWAY_MS;
}
