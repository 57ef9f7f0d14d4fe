/** `{name}` in a path is a parameter. */
type RoutePattern = { readonly method: string; readonly path: string };

export interface Match<R> {
  readonly methods: ReadonlyMap<string, R>;
  readonly allow: string;
  readonly params: Readonly<Record<string, string>>;
}

type Entry<R> = Omit<Match<R>, "params">;
interface ParameterizedPath<R> {
  readonly pattern: RegExp;
  readonly entry: Entry<R>;
}

const NO_PARAMS = Object.freeze({});
/** Formats of the path parameters. One that is not listed is a UUID, in upper or lower case. Other values are a 404. */
const FORMATS: Readonly<Record<string, string>> = {
  name: "[a-z][a-z0-9_-]{0,49}",
  provider: "[a-z][a-z0-9-]{0,31}",
  job: "[\\w-]{1,200}",
  token: "[\\w.-]{1,512}",
  image: "[0-9a-f]{32}(?:-thumb)?\\.webp",
  file: "[a-z][a-z-]{0,40}\\.(?:css|js|png)",
};
const HEX = "[0-9a-fA-F]";
const UUID = `${HEX}{8}-${HEX}{4}-[1-8]${HEX}{3}-[89abAB]${HEX}{3}-${HEX}{12}`;

/**
 * Finds the route of a path. Fixed paths are in a map; a path with parameters is only compared with those of the same
 * number of segments, because scanning all 60 cost a quarter of the throughput. Nothing is decoded or normalized, so a
 * path with `//`, `%2e` or `;` matches nothing.
 */
export function createRouter<R extends RoutePattern>(routes: readonly R[]): (path: string) => Match<R> | null {
  const fixed = new Map<string, Match<R>>();
  const parameterized = new Map<number, ParameterizedPath<R>[]>();
  for (const [path, rows] of Map.groupBy(routes, (route) => route.path)) {
    const entry = createEntry(rows);
    if (!path.includes("{")) {
      fixed.set(path, { ...entry, params: NO_PARAMS });
      continue;
    }
    const segments = path.split("/").length;
    parameterized.set(segments, [...(parameterized.get(segments) ?? []), { pattern: toPattern(path), entry }]);
  }
  return (path) => fixed.get(path) ?? matchPattern(parameterized.get(path.split("/").length) ?? [], path);
}

function createEntry<R extends RoutePattern>(rows: readonly R[]): Entry<R> {
  const methods = new Map(rows.map((row) => [row.method, row]));
  const read = methods.get("GET");
  if (read) methods.set("HEAD", read);
  return { methods, allow: [...methods.keys(), "OPTIONS"].join(", ") };
}

function toPattern(path: string): RegExp {
  return new RegExp(`^${path.replace(/\{(\w+)\}/g, (_, name: string) => `(?<${name}>${FORMATS[name] ?? UUID})`)}$`);
}

function matchPattern<R>(candidates: readonly ParameterizedPath<R>[], path: string): Match<R> | null {
  for (const { pattern, entry } of candidates) {
    const groups = pattern.exec(path)?.groups;
    if (!groups) continue;
    const params = Object.entries(groups).map(([name, value]) => [name, name in FORMATS ? value : value.toLowerCase()]);
    return { ...entry, params: Object.fromEntries(params) };
  }
  return null;
}
