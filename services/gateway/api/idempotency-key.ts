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

/** The value of an `Idempotency-Key` header, null if there is none. Throws 400 for an invalid one. */
export function readIdempotencyKey(header: string | string[] | undefined): string | null {
  if (header === undefined) return null;
  if (isKey(header)) return header;
  throw new AppError("bad_request", { message: "Idempotency-Key must be 1 to 255 visible ASCII characters." });
}

/** Reads a key from a header with another purpose, such as a request id: null if the value is not a valid key. */
export function readAlternativeKey(header: string | string[] | undefined): string | null {
  return isKey(header) ? header : null;
}

function isKey(header: string | string[] | undefined): header is string {
  return typeof header === "string" && /^[\x21-\x7e]{1,255}$/.test(header);
}

/** Lets the committing action recognize a repeated request. The scope is hashed because it may contain an IP address. */
export function createIdempotencyRequest(ring: KeyRing, key: string, request: KeyedRequest): IdempotencyRequest {
  const scope = JSON.stringify([...callerScope(request), request.method, request.path]);
  return {
    action: request.action,
    key,
    scope: createHash("sha256").update(scope).digest("base64url"),
    body: ring.macAll("idempotency", JSON.stringify(canonical(request.body))),
  };
}

function callerScope({ caller, ip }: KeyedRequest): readonly string[] {
  if (caller.kind === "user") return [caller.tenant_id, caller.user_id];
  return [caller.kind === "anonymous" ? caller.tenant : "", ip];
}

/** Sorts the members of objects, so that their order does not matter. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1));
  return Object.fromEntries(members.map(([name, member]) => [name, canonical(member)]));
}
