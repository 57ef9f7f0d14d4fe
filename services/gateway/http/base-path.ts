/** The path of PUBLIC_URL, under which a proxy publishes the gateway: "" or "/auth". */
export function basePath(publicUrl: string): string {
  return new URL(publicUrl).pathname.replace(/\/+$/, "");
}

interface PathLookup {
  /** True if the path has the request's method. */
  serves(path: string): boolean;
  exists(path: string): boolean;
}

/**
 * The path as the table of routes knows it. A proxy in front may cut off the base path or keep it: we accept both. A path
 * that only begins like the base path, such as `/auth/login` of an earlier system under the base path `/auth`, is found as
 * it is, unless the rest of it is a route with this method.
 */
export function withoutBase(path: string, base: string, { serves, exists }: PathLookup): string {
  if (base === "" || !path.startsWith(base)) return path;
  const rest = path.slice(base.length);
  if (rest !== "" && !rest.startsWith("/")) return path;
  const candidates = [rest === "" ? "/" : rest, path];
  return candidates.find(serves) ?? candidates.find(exists) ?? path;
}
