/** What we use of moleculer-web's aliases: the routes of its table, with a pattern for each. */
export interface Alias {
  readonly method: string;
  /** `/ext/jobs/:id`: with the path of its route. */
  readonly fullPath: string;
  readonly action: string | null;
  readonly route: { readonly name?: string };
  /** The decoded path parameters, or false. Throws for an invalid percent-encoding. */
  match(path: string): Readonly<Record<string, string>> | false;
}

export interface PathMatch<T> {
  readonly methods: ReadonlyMap<string, T>;
  /** Value of an `Allow` header. */
  readonly allow: string;
  readonly params: Readonly<Record<string, string>>;
}

type Entry<T> = Omit<PathMatch<T>, "params">;

const NO_PARAMS = Object.freeze({});

/**
 * Finds the aliases of a path. Fixed paths are in a map, and a path with parameters is only compared with those of the
 * same number of segments: moleculer-web compares each request with all aliases, which costs two fifths of its throughput.
 * Paths are case-sensitive, and HEAD is served wherever GET is.
 */
export function createAliasIndex<T>(aliases: readonly Alias[], describe: (alias: Alias) => T) {
  const fixed = new Map<string, PathMatch<T>>();
  const parameterized = new Map<number, Array<{ readonly alias: Alias; readonly entry: Entry<T> }>>();
  for (const [path, group] of Map.groupBy(aliases, (alias) => alias.fullPath)) {
    const [first] = group as [Alias];
    const entry = createEntry(group, describe);
    if (!path.includes(":")) fixed.set(path, { ...entry, params: NO_PARAMS });
    else {
      const segments = path.split("/").length;
      parameterized.set(segments, [...(parameterized.get(segments) ?? []), { alias: first, entry }]);
    }
  }
  return (path: string): PathMatch<T> | null => {
    const match = fixed.get(path);
    if (match) return match;
    for (const { alias, entry } of parameterized.get(path.split("/").length) ?? []) {
      const params = alias.match(path);
      if (params) return { ...entry, params };
    }
    return null;
  };
}

function createEntry<T>(aliases: readonly Alias[], describe: (alias: Alias) => T): Entry<T> {
  const methods = new Map(aliases.map((alias) => [alias.method, describe(alias)]));
  const read = methods.get("GET");
  if (read) methods.set("HEAD", read);
  return { methods, allow: [...methods.keys(), "OPTIONS"].join(", ") };
}
