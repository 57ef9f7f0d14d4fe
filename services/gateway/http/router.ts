import { isUuid } from "../../../lib/runtime/ids.ts";

/** A method, and a path in which each `{name}` is a parameter. */
interface RoutePattern {
  readonly method: string;
  readonly path: string;
}

export interface Match<R> {
  readonly methods: ReadonlyMap<string, R>;
  readonly allow: string;
  readonly params: Readonly<Record<string, string>>;
}

type Entry<R> = Omit<Match<R>, "params">;
interface ParameterizedPath<R> {
  readonly parts: readonly string[];
  readonly entry: Entry<R>;
}

const NO_PARAMS = Object.freeze({});

/**
 * Finds the route of a path: by a map for fixed paths, and among the paths with the same number of segments for the rest
 * (a linear scan over 60 paths cost a quarter of the throughput). Nothing is decoded or normalized, so a path with `//`,
 * `%2e` or `;` matches nothing.
 */
export function createRouter<R extends RoutePattern>(routes: readonly R[]): (path: string) => Match<R> | null {
  const entries = Map.groupBy(routes, (route) => route.path);
  const fixed = new Map<string, Match<R>>();
  const patterns = new Map<number, ParameterizedPath<R>[]>();
  for (const [path, rows] of entries) {
    const entry = createEntry(rows);
    if (!path.includes("{")) {
      fixed.set(path, { ...entry, params: NO_PARAMS });
      continue;
    }
    const parts = path.split("/");
    patterns.set(parts.length, [...(patterns.get(parts.length) ?? []), { parts, entry }]);
  }
  return (path) => fixed.get(path) ?? matchPattern(patterns, path);
}

function createEntry<R extends RoutePattern>(rows: readonly R[]): Entry<R> {
  const methods = new Map(rows.map((row) => [row.method, row]));
  const read = methods.get("GET");
  if (read) methods.set("HEAD", read);
  return { methods, allow: [...methods.keys(), "OPTIONS"].join(", ") };
}

function matchPattern<R>(
  patterns: ReadonlyMap<number, readonly ParameterizedPath<R>[]>,
  path: string,
): Match<R> | null {
  const parts = path.split("/");
  for (const { parts: pattern, entry } of patterns.get(parts.length) ?? []) {
    const params = readParams(pattern, parts);
    if (params) return { ...entry, params };
  }
  return null;
}

function readParams(pattern: readonly string[], parts: readonly string[]): Record<string, string> | null {
  const params: Record<string, string> = {};
  for (const [index, expected] of pattern.entries()) {
    const part = parts[index] ?? "";
    if (!expected.startsWith("{")) {
      if (part !== expected) return null;
      continue;
    }
    const name = expected.slice(1, -1);
    if (!isValidParam(name, part)) return null;
    params[name] = name === "token" || name === "job" ? part : part.toLowerCase();
  }
  return params;
}

/** A segment that does not have the format of its parameter is a 404. Parameters without a format of their own are UUIDs. */
function isValidParam(name: string, part: string): boolean {
  if (name === "name") return /^[a-z][a-z0-9_-]{0,49}$/.test(part);
  if (name === "provider") return /^[a-z][a-z0-9-]{0,31}$/.test(part);
  if (name === "job") return /^[\w-]{1,200}$/.test(part);
  if (name === "token") return /^[\w.-]{1,512}$/.test(part);
  if (name === "image") return /^[0-9a-f]{32}(?:-thumb)?\.webp$/.test(part);
  return name === "file" ? /^[a-z][a-z-]{0,40}\.(?:css|js|png)$/.test(part) : isUuid(part.toLowerCase());
}
