import type { ServiceBroker } from "moleculer";
import { describeParams } from "../../../lib/actions/describe-params.ts";
import { definitionOf } from "../../../lib/actions/typed-call.ts";
import { type CommandDefinition, type CommandGroup, type Options, type Output, toJson } from "../define-command.ts";
import { readMesh } from "../mesh-state.ts";
import type { Operator } from "../operator.ts";
import { showTop } from "../top.ts";

interface RegistryAction {
  readonly name: string;
  readonly available: boolean;
  readonly count: number;
  readonly action?: { readonly params?: Readonly<Record<string, string>> };
}

export const mesh: CommandGroup = {
  name: "mesh",
  summary: "the mesh at a glance",
  commands: [
    {
      usage: "top",
      summary: "live: nodes, calls, errors, latency, event loop, breakers, queues; until Ctrl-C",
      options: [
        ["--interval <seconds>", "between two looks (default: 2)"],
        ["--once", "look once and stop"],
      ],
      run: (operator, _args, options, signal) =>
        showTop(
          operator,
          { seconds: Number(options.interval ?? 2), isOnce: options.once === true, isJson: options.json === true },
          signal,
        ),
    },
  ],
};

export const inspection: readonly CommandDefinition[] = [
  {
    usage: "nodes",
    summary: "nodes of the mesh, what they run, and how they are",
    async run(operator) {
      const data = await readMesh(operator);
      const rows = data.map(({ id, services, stats, available }) => ({
        node: id,
        runs: services.join(" "),
        state: available ? "up" : "gone",
        "up for": stats && describeAge(stats.uptime_seconds),
        memory: stats && `${Math.round(stats.memory_bytes / 1_048_576)} MB`,
      }));
      return { rows, none: "No node is in the mesh.", data };
    },
  },
  {
    usage: "actions [filter]",
    summary: "actions with their parameters (? optional) and who may call them",
    async run({ broker }, [filter = ""]) {
      const data = listActions(broker, filter);
      const rows = data.map(({ name, nodes, params, callers }) => ({
        action: name,
        nodes,
        operator: callers.includes("operator"),
        params: Object.entries(params)
          .map(([param, type]) => `${param}${type.endsWith("|optional") ? "?" : ""}`)
          .join(" "),
      }));
      return { rows, none: "No action matches.", data };
    },
  },
  {
    usage: "breakers",
    summary: "open circuit breakers: which node does not call which action where",
    async run({ call }) {
      const { open_breakers: data } = await call("admin.mesh", {});
      const rows = data.map(({ action, node, seen_by }) => ({ action, "fails on": node, "seen by": seen_by }));
      return { rows, none: "No circuit breaker is open.", data };
    },
  },
  {
    usage: "call <action> [params...]",
    summary: "call any action; parameters as JSON, as --name value or as name=value",
    takesAnyOption: true,
    options: [["--tenant <id>", "id of the tenant to act in"]],
    run: callAction,
  },
];

function listActions(broker: ServiceBroker, filter: string) {
  const registry = broker.registry as unknown as { getActionList(options: object): RegistryAction[] };
  return registry
    .getActionList({ skipInternal: true })
    .filter(({ name }) => name.includes(filter))
    .map(({ name, count, action }) => ({
      name,
      nodes: count,
      params: action?.params ?? {},
      callers: definitionOf(name)?.access.callers ?? [],
    }))
    .toSorted((left, right) => left.name.localeCompare(right.name));
}

async function callAction(
  { broker, caller }: Operator,
  [action = "", ...words]: readonly string[],
  { tenant }: Options,
): Promise<Output> {
  const { timeout, params } = definitionOf(action) ?? {};
  const meta = { caller: { ...caller, ...(typeof tenant === "string" && { tenant_id: tenant }) } };
  const data = await broker.call(action, parseParams(words, params && describeParams(params)), {
    meta,
    ...(timeout !== undefined && { timeout }),
  });
  return { message: toJson(data ?? null), data: data ?? null };
}

/**
 * `{"id": "1"}`, `--id 1 --is_active` or `id=1`. A value that is valid JSON is read as JSON, unless the action takes text
 * there. `types` are in Moleculer's notation.
 */
export function parseParams(
  words: readonly string[],
  types: Readonly<Record<string, string>> = {},
): Record<string, unknown> {
  const [first = ""] = words;
  if (first.startsWith("{")) return JSON.parse(words.join(" ")) as Record<string, unknown>;
  const params: Record<string, unknown> = {};
  for (let at = 0; at < words.length; at += 1) {
    const [, dashes, name, text] = /^(--)?([^=\s]+)(?:=(.*))?$/s.exec(words[at] ?? "") ?? [];
    const next = words[at + 1];
    const takesNext = text === undefined && next !== undefined && !next.startsWith("--");
    if (name === undefined || (!dashes && text === undefined))
      throw new Error(`Write parameters as --name value, as name=value or as JSON, not ${words[at]}.`);
    const value = takesNext ? next : (text ?? "true");
    params[name] = types[name]?.startsWith("string") ? value : parseValue(value);
    if (takesNext) at += 1;
  }
  return params;
}

function parseValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function describeAge(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} d`;
}
