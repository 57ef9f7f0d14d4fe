import type { Middleware } from "moleculer";
import type { Caller } from "../../lib/actions/caller.ts";
import { AppError } from "../../lib/actions/errors.ts";
import { definitionOf } from "../../lib/actions/typed-call.ts";
import type { ActionMeter, ActionOutcome } from "../../lib/observability/action-meter.ts";
import type { CallEdges } from "../../lib/observability/call-edges.ts";
import { type CallJournal, codeOf, stepOf } from "../../lib/observability/call-journal.ts";
import { wrapActions } from "./wrap-action.ts";

interface Counters {
  readonly actions: ActionMeter;
  readonly edges: CallEdges;
  readonly journal: CallJournal;
}

/** Calls that repeat every second or minute belong to no request, and would push the requests out of the journal. */
const REPEATED: ReadonlySet<string | undefined> = new Set(["maintenance:run", "sessions:lease"]);

/**
 * Counts and times the actions of this node, by action and by caller, and adds them to the journal. Moleculer's own
 * metrics would count every call twice: at the caller too.
 */
export function metricsMiddleware({ actions, edges, journal }: Counters): Middleware {
  return wrapActions("Metrics", (next, action) => {
    if (action.startsWith("$")) return next;
    const series = actions.meter(action);
    const [service = ""] = action.split(".");
    const isRepeated = action === "auth.keys" || REPEATED.has(definitionOf(action)?.access.permission);
    return async (ctx) => {
      const start = performance.now();
      const from = nameOf(ctx.meta.caller);
      const record = (outcome: ActionOutcome, code: string) => {
        const milliseconds = performance.now() - start;
        series[outcome].observe(milliseconds / 1_000);
        edges.add(from, service, milliseconds / 1_000, outcome === "error");
        const { correlation_id } = ctx.meta;
        if (isRepeated || correlation_id === undefined) return;
        journal.add(stepOf({ correlation_id, kind: "action", name: action, service, from }, milliseconds, code));
      };
      try {
        const result = await next(ctx);
        record("ok", "ok");
        return result;
      } catch (error) {
        record(outcomeOf(error), codeOf(error));
        if (error instanceof AppError && error.status < 500) actions.refuse(action, error.type);
        throw error;
      }
    };
  });
}

/** Calls by users come through the gateway. */
function nameOf(caller: Caller | undefined): string {
  if (caller?.kind === "service") return caller.name;
  return caller?.kind === "operator" ? "operator" : "gateway";
}

function outcomeOf(error: unknown): ActionOutcome {
  return error instanceof AppError && error.status < 500 ? "refused" : "error";
}
