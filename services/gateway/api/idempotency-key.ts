import { createHash } from "node:crypto";
import type { Caller, IdempotencyRequest } from "../../../lib/actions/caller.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import type { KeyRing } from "../../../lib/crypto/key-ring.ts";

interface KeyedRequest {
  readonly caller: Caller;
  readonly ip: string;
  readonly method: string;
  readonly path: string;
  readonly action: string;
  readonly body: unknown;
}

/** The header's value, or null where there is none. Throws 400 for one that is no key. */
export function readIdempotencyKey(header: string | string[] | undefined): string | null {
  if (header === undefined) return null;
  if (typeof header === "string" && /^[\x21-\x7e]{1,255}$/.test(header)) return header;
  throw new AppError("bad_request", { message: "Idempotency-Key must be 1 to 255 visible ASCII characters." });
}

/** The id of a request that may stand for a key; what can't be one is just an id. */
export function readRequestId(header: string | string[] | undefined): string | null {
  return typeof header === "string" && /^[\x21-\x7e]{1,255}$/.test(header) ? header : null;
}

/** What the committing action must know to make the effect once. The scope is hashed: it may hold an address. */
export function createIdempotencyRequest(ring: KeyRing, key: string, request: KeyedRequest): IdempotencyRequest {
  const scope = JSON.stringify([...whoOf(request), request.method, request.path]);
  return {
    commit: request.action,
    key,
    scope: createHash("sha256").update(scope).digest("base64url"),
    body: ring.macAll("idempotency", JSON.stringify(canonical(request.body))),
  };
}

function whoOf({ caller, ip }: KeyedRequest): readonly string[] {
  if (caller.kind === "user") return [caller.tenant_id, caller.user_id];
  return [caller.kind === "anonymous" ? caller.tenant : "", ip];
}

/** The same JSON whatever the order of its members and the spaces between them. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1));
  return Object.fromEntries(members.map(([name, member]) => [name, canonical(member)]));
}
