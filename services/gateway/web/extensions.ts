import type { ExtensionRoute } from "../routes.types.ts";
import type { Alias } from "./alias-index.ts";

export const EXTENSIONS_PATH = "/ext";
export const EXTENSIONS_ROUTE = "extensions";

/** What moleculer-web reads from the `rest` of an action that a service of another team has declared. */
interface DeclaredAlias {
  readonly method?: unknown;
  readonly path?: unknown;
  readonly auth?: unknown;
  readonly fullPath?: unknown;
}

const METHODS: ReadonlySet<unknown> = new Set(["GET", "POST", "PUT", "PATCH", "DELETE"]);
const AUTH: ReadonlySet<unknown> = new Set(["public", "optional", "user"]);
const PATH = /^(?:\/(?:[\w.-]+|:[a-z_]\w*))+$/i;
const MAX_PATH_LENGTH = 200;

/**
 * The parts of a declaration that the gateway uses; null if it is refused. Declarations come over the bus, so they are
 * checked: a `fullPath` could claim a path outside /ext, and a malformed path would end the process. A declaration without
 * a method would also accept GET, which other sites can make a browser send with its cookies, for an action that changes
 * something.
 */
export function acceptDeclaration({ method, path, auth = "user", fullPath }: DeclaredAlias) {
  if (!METHODS.has(method) || !AUTH.has(auth) || fullPath !== undefined || typeof path !== "string") return null;
  const normalized = path.replace(/\/{2,}/g, "/").replace(/\/$/, "");
  if (normalized.length > MAX_PATH_LENGTH || !PATH.test(normalized)) return null;
  return { method: method as string, path: normalized, auth: auth as ExtensionRoute["auth"] };
}

export function extensionRoute(alias: Alias & { readonly auth?: ExtensionRoute["auth"] }): ExtensionRoute {
  const { method, fullPath, action, auth = "user" } = alias;
  const path = fullPath.replaceAll(/:(\w+)/g, "{$1}");
  return { kind: "extension", method, path, action: action ?? "", auth, rateLimit: "default" };
}
