import { setTimeout as delay } from "node:timers/promises";
import { servicesWith } from "../../../lib/actions/typed-call.ts";
import { counted } from "../../run/terminal.ts";
import { resolveUser, shortTime } from "../accounts.ts";
import { type CommandGroup, type Options, type Output, toJson } from "../define-command.ts";
import type { Operator } from "../operator.ts";
import { withoutControls } from "../table.ts";

type MeshEventData = Readonly<Record<string, unknown>>;

const POLL_MS = 1_000;
const PAGE = 100;
const SHOWN_FIRST = 10;
const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

export const events: CommandGroup = {
  name: "events",
  summary: "follow the events of the mesh, or publish them again",
  commands: [
    {
      usage: "tail",
      summary: "the latest events, then each new one until Ctrl-C",
      options: [
        ["--service <name>", `only events of ${servicesWith("events").join(", ")}`],
        ["--user <who>", "only events of this account"],
        ["--once", "print the latest events and stop"],
      ],
      run: tail,
    },
    {
      usage: "replay <service>",
      summary: "publish a service's events again; consumers ignore those they have handled",
      options: [
        ["--since <time>", "a time, or an age such as 30m, 12h or 7d (required; at most seven days)"],
        ["--user <who>", "only events of this account"],
      ],
      run: replay,
    },
  ],
};

async function tail(
  operator: Operator,
  _args: readonly string[],
  options: Options,
  signal: AbortSignal,
): Promise<Output> {
  const user = typeof options.user === "string" ? await resolveUser(operator, options.user, undefined) : undefined;
  const services = typeof options.service === "string" ? [options.service] : servicesWith("events");
  const positions = new Map<string, string>();
  for (let isFirst = true; !signal.aborted; isFirst = false) {
    const pages = await Promise.all(services.map((service) => readNew(operator, service, positions, user?.id)));
    const fresh = pages.flat().toSorted((left, right) => String(left.timestamp).localeCompare(String(right.timestamp)));
    for (const event of isFirst ? fresh.slice(-SHOWN_FIRST) : fresh)
      operator.print(options.json ? toJson(event).replace(/\n\s*/g, " ") : describeEvent(event, operator.columns));
    if (options.once) return undefined;
    await delay(POLL_MS, undefined, { signal }).catch(() => undefined);
  }
  return undefined;
}

/** A service that can't be reached is asked again the next time. */
async function readNew(
  { call }: Operator,
  service: string,
  positions: Map<string, string>,
  user_id: string | undefined,
): Promise<MeshEventData[]> {
  const after = positions.get(service);
  const params = { ...(after !== undefined && { after }), ...(user_id !== undefined && { user_id }) };
  const limit = after === undefined ? SHOWN_FIRST : PAGE;
  const page = await call(`${service as "users"}.events`, { ...params, limit }).catch((error: Error) => {
    if (after === undefined) throw error;
    return null;
  });
  if (page === null) return [];
  positions.set(service, page.position);
  return page.events;
}

function describeEvent(event: MeshEventData, columns: number): string {
  const { timestamp, event_type, source, user_id } = event as Record<string, string>;
  const line = [shortTime(timestamp ?? "")?.slice(11), String(event_type).padEnd(20), source?.padEnd(11), user_id].join(
    "  ",
  );
  const more = event.actor ?? event.email ?? "";
  return withoutControls(`${line}  ${more}`.trimEnd()).slice(0, columns);
}

async function replay(operator: Operator, [service = ""]: readonly string[], options: Options): Promise<Output> {
  if (typeof options.since !== "string") throw new Error("Say from when on with --since, for example --since 12h.");
  const user = typeof options.user === "string" ? await resolveUser(operator, options.user, undefined) : undefined;
  const params = { service, since: parseSince(options.since, Date.now()), ...(user && { user_id: user.id }) };
  const data = await operator.call("admin.replayEvents", params);
  return { message: `${counted(data.replayed, "event")} of ${service} will be published again.`, data };
}

/** `12h` before now, or a time. */
export function parseSince(text: string, now: number): string {
  const [, count, unit = ""] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const at = count === undefined ? new Date(text) : new Date(now - Number(count) * (UNITS[unit] ?? 0));
  if (Number.isNaN(at.getTime()))
    throw new Error(`--since ${text} is neither a time nor an age such as 30m, 12h or 7d.`);
  return at.toISOString();
}
