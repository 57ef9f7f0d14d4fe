const MASK = "[redacted]";
const MAX_DEPTH = 6;
const MAX_LIST = 50;
/** Keys whose values are secrets or email addresses, in snake case, camel case or as headers. */
const secretKey =
  /pass(?:word|wd|phrase)?$|token|secret|authorization|cookie|^e-?mail|email$|email_key|api_?-?key|private_?-?key|credential|^jwt$|dsn$|connection_?string/i;
/** Matching keys whose values are harmless: ids, types and flags. */
const harmlessKey = /_id$|Id$|^token_type$|^email_verified$|^is_|^has_/;
// Each expression takes time linear in the text, which strangers choose: it starts at few places, or looks a bounded
// distance ahead.
const credentialsInUrl = /\b([a-z][a-z0-9+.-]{0,30}:\/\/)[^\s/@"]{1,2048}@/gi;
const bearer = /\b(Bearer|Basic)\s+[\w.~+/=-]+/gi;
const jwt = /(?<![\w-])eyJ[\w-]+\.[\w-]+\.[\w-]*/g;
/** Refresh tokens, tokens of mailed links (which may be part of a path) and sealed values. */
const ownToken = /\bv1\.[a-z0-9]{1,16}\.[\w-]{16,36}\.[\w.-]+/g;
const address = /[^\s@"'<>()=]{1,64}@[^\s@"'<>()=,;:]{1,255}\.[a-z]{2,63}/gi;

/** A copy for the log without secrets, email addresses, live objects and unlimited depth. */
export function redactFields(fields: Record<string, unknown>): Record<string, unknown> {
  return copy(fields, 0) as Record<string, unknown>;
}

export function redactText(text: string): string {
  const withoutAddresses = text.includes("@")
    ? text.replace(credentialsInUrl, `$1${MASK}@`).replace(address, MASK)
    : text;
  return withoutAddresses.replace(bearer, `$1 ${MASK}`).replace(jwt, MASK).replace(ownToken, MASK);
}

function copy(value: unknown, depth: number): unknown {
  if (typeof value === "string") return redactText(value);
  if (typeof value === "bigint") return String(value);
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Date) return value;
  if (value instanceof Error) return describeError(value, depth);
  if (depth >= MAX_DEPTH) return Array.isArray(value) ? "[list]" : "[object]";
  if (Array.isArray(value)) return value.slice(0, MAX_LIST).map((item) => copy(item, depth + 1));
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, isSecret(key) && hides(item) ? MASK : copy(item, depth + 1)]),
  );
}

function isSecret(key: string): boolean {
  return secretKey.test(key) && !harmlessKey.test(key);
}

/** Flags and counts under such keys reveal nothing. */
function hides(value: unknown): boolean {
  return value !== null && value !== undefined && typeof value !== "boolean" && typeof value !== "number";
}

/** Omits other fields: a QueryFailedError has its query parameters, a Moleculer error its context. */
function describeError(error: Error, depth: number): object {
  const { type, code } = error as { type?: unknown; code?: unknown };
  return {
    name: error.name,
    message: redactText(error.message),
    ...(isPlain(type) && { type }),
    ...(isPlain(code) && { code }),
    ...(error.stack !== undefined && { stack: redactText(error.stack) }),
    ...(error.cause !== undefined && depth < MAX_DEPTH && { cause: copy(error.cause, depth + 1) }),
  };
}

function isPlain(value: unknown): value is string | number {
  return typeof value === "string" || typeof value === "number";
}
