/** What we use of moleculer-web's aliases. An alias maps a method and a path to an action, or to a function. */
export interface Alias {
  readonly method: string;
  /** Includes the path of its route: `/ext/jobs/:id`. */
  readonly fullPath: string;
  /** Null if a function serves it. */
  readonly action: string | null;
  readonly route: { readonly name?: string };
  /** The decoded path parameters, or false if the path does not match. Throws for an invalid percent-encoding. */
  match(path: string): Readonly<Record<string, string>> | false;
}

export interface PathMatch<T> {
  /** By method, what `describe` has returned for the alias. */
  readonly methods: ReadonlyMap<string, T>;
  /** Value of an `Allow` header. */
  readonly allow: string;
}

/**
 * Finds the aliases of a path. Paths without parameters are looked up in a map. Any other path is compared only with the
 * patterns that have the same number of segments: moleculer-web compares each request with all aliases, which costs two
 * fifths of its throughput. Paths are case-sensitive, and HEAD is served wherever GET is. Of two patterns that match, the
 * one with fewer parameters counts: `/admin/users/{id}` before `/admin/{section}/{id}`.
 */
export function createAliasIndex<T>(aliases: readonly Alias[], describe: (alias: Alias) => T) {
  const fixed = new Map<string, PathMatch<T>>();
  const parameterized = new Map<number, Array<{ readonly pattern: Alias; readonly match: PathMatch<T> }>>();
  const shapes = [...Map.groupBy(aliases, shapeOf)];
  for (const [shape, group] of shapes.toSorted(([one], [other]) => countParams(one) - countParams(other))) {
    const [pattern] = group as [Alias];
    const match = createMatch(group, describe);
    if (!shape.includes(":")) fixed.set(shape, match);
    else {
      const segments = shape.split("/").length;
      parameterized.set(segments, [...(parameterized.get(segments) ?? []), { pattern, match }]);
    }
  }
  return (path: string): PathMatch<T> | null => {
    const match = fixed.get(path);
    if (match) return match;
    const candidates = parameterized.get(path.split("/").length) ?? [];
    return candidates.find(({ pattern }) => pattern.match(path))?.match ?? null;
  };
}

/** Two methods of one path may name its parameters differently. */
function shapeOf({ fullPath }: Alias): string {
  return fullPath.replaceAll(/:\w+/g, ":");
}

function countParams(shape: string): number {
  return shape.split(":").length;
}

function createMatch<T>(aliases: readonly Alias[], describe: (alias: Alias) => T): PathMatch<T> {
  const methods = new Map(aliases.map((alias) => [alias.method, describe(alias)]));
  const get = methods.get("GET");
  if (get) methods.set("HEAD", get);
  return { methods, allow: [...methods.keys(), "OPTIONS"].join(", ") };
}
