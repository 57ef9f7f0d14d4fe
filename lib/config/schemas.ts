import * as z from "zod";

/** Schemas of environment variables: each reads the text of one and says what it expects. */

export const text = z.string();

/** A header has no blanks at its ends, so that a line break from a file would make the value one that no request can send. */
export const headerText = z
  .string()
  .trim()
  .regex(/^[\x20-\x7e]*$/, { error: "must consist of printable ASCII characters" });

/** Nobody can type a line break into a sign-in form. */
export const typedText = z
  .string()
  .refine((value) => !/[\r\n\0]/.test(value), { error: "must not contain a line break" });

/** Ignores a trailing comment (`5  # five`): `docker run --env-file` passes it on as part of the value. */
const withoutComment = z.string().transform((value) => value.replace(/\s+#.*$/, "").trim());

export function integer(min: number, max: number) {
  const error = expected(`a whole number from ${min} to ${max}`);
  return withoutComment
    .pipe(z.string().regex(/^\d{1,15}$/, { error }))
    .transform(Number)
    .pipe(z.number().min(min, { error }).max(max, { error }));
}

/** A whole number of days; `never` is null. */
export function daysOrNever(max: number) {
  return withoutComment
    .pipe(
      z
        .string()
        .toLowerCase()
        .regex(/^(?:never|\d{1,4})$/, { error: expected(`never or a whole number from 0 to ${max}`) }),
    )
    .transform((value) => (value === "never" ? null : Number(value)))
    .pipe(
      z
        .number()
        .max(max, { error: expected(`never or a whole number from 0 to ${max}`) })
        .nullable(),
    );
}

/** Accepts the values in any case. */
export function choice<const T extends readonly string[]>(...values: T) {
  const byName = new Map(values.map((value) => [value.toLowerCase(), value]));
  return z
    .string()
    .trim()
    .transform((value) => byName.get(value.toLowerCase()) ?? value)
    .pipe(z.enum(values, { error: expected(`one of ${values.join(", ")}`) }));
}

export const hexColor = z.string().regex(/^#[0-9a-f]{6}$/i, { error: expected("a colour like #0d7a6b") });

export const flag = z
  .string()
  .trim()
  .pipe(
    z.stringbool({
      truthy: ["true", "1", "yes", "on"],
      falsy: ["false", "0", "no", "off"],
      error: expected("true or false"),
    }),
  );

/** Comma-separated. */
export const list = z.string().transform((value): readonly string[] => split(value, ","));

/** Ids of an identity provider's tenants, or `*`. */
export const providerTenants = list.transform((ids, context): readonly string[] | "any" => {
  const lower = ids.map((id) => id.toLowerCase());
  if (lower.join() === "*") return "any";
  if (lower.length > 0 && lower.every((id) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id))) return lower;
  context.addIssue({
    code: "custom",
    message: "must be ids of tenants like 72f988bf-86f1-41af-91ab-2d7cd011db47, or *",
  });
  return z.NEVER;
});

const LOOPBACK_HOSTS: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);

/**
 * Redirect URIs of clients, which are compared exactly (RFC 9700 section 4.1): https, or for a native app (RFC 8252
 * section 7) a loopback address or a scheme that is a reversed domain name, which `javascript:` and `data:` are not.
 */
export const returnUrls = list.pipe(
  z.array(
    z.string().refine(isReturnUrl, {
      error: ({ input }) =>
        `must be https URLs, http URLs on loopback, or of a private-use scheme like com.example.app:/path, without fragment, wildcard, user name and password, not ${JSON.stringify(input)}`,
    }),
  ),
);

function isReturnUrl(value: string): boolean {
  if (!URL.canParse(value) || /[#*\s\\]/.test(value)) return false;
  const { protocol, hostname, username, password } = new URL(value);
  if (username !== "" || password !== "") return false;
  if (protocol === "https:" || protocol === "http:")
    return /^https?:\/\/[^/]/i.test(value) && (protocol === "https:" || LOOPBACK_HOSTS.has(hostname));
  return /^[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+:$/.test(protocol);
}

/** Names of services of ours start no extension: their actions check callers of ours. */
const OUR_SERVICES = /^(?:admin|auth|gateway|mail|preferences|sessions|users|webhooks|worker-.*|\$.*)\./;

/** Written without quotes in SQL, and completed by the name of a service. */
export const sqlName = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,39}$/, { error: "must be 1 to 40 lower-case letters, digits and underscores" });

/** Action names and patterns, such as `jobs.*`. */
export const extensions = list.pipe(
  z.array(
    z
      .string()
      .regex(/^[a-z][\w-]*(?:\.[\w-]+)*\.(?:\*|[\w-]+)$/i, {
        error: expected("names of actions, like jobs.*,push.status"),
      })
      .refine((name) => !OUR_SERVICES.test(name), { error: "must not name services of Usermesh" }),
  ),
);

/** Comma-separated, each one of `values`. */
export function choices<const T extends readonly string[]>(rename: (value: string) => string, ...values: T) {
  const error = `must be of ${values.join(", ")}`;
  return list
    .transform((items) => [...new Set(items.map((item) => rename(item.toLowerCase())))])
    .pipe(z.array(z.enum(values, { error })).min(1, { error }));
}

export const rate = withoutComment
  .pipe(z.string().regex(/^[1-9]\d{0,6}\/[1-9]\d{0,5}$/, { error: expected("<count>/<seconds>, like 60/60") }))
  .transform(readRate);

function readRate(value: string) {
  const [count = 0, seconds = 0] = value.split("/").map(Number);
  return { count, seconds };
}

/** `POST /api/v1/auth/login=10/60;…` */
export const ratesByRoute = byName(
  /^(?:GET|POST|PUT|PATCH|DELETE) \/[^\s=]*=[1-9]\d{0,6}\/[1-9]\d{0,5}$/,
  "has an entry that is not <method> <path>=<count>/<seconds>, like POST /api/v1/auth/login=10/60",
  readRate,
);

/** `jobs=…;push=…`: a value for each name, checked by `pattern`. */
export function byName<T>(pattern: RegExp, error: string, read: (value: string) => T) {
  return z
    .string()
    .transform((value) => split(value, ";"))
    .pipe(z.array(z.string().regex(pattern, { error })))
    .transform(
      (entries): Readonly<Record<string, T>> =>
        Object.fromEntries(
          entries.map((entry) => [entry.slice(0, entry.indexOf("=")), read(entry.slice(entry.indexOf("=") + 1))]),
        ),
    );
}

export const fraction = z
  .string()
  .trim()
  .regex(/^(?:0(?:\.\d{1,9})?|1(?:\.0+)?|\.\d{1,9})$/, { error: expected("a number from 0 to 1") })
  .transform(Number);

/** `name=value,name=value` with percent-encoded values, as OpenTelemetry's own variables have them. */
export const headerPairs = list.pipe(
  z
    .array(z.string().regex(/^[\w-]+=(?:[^%]|%[0-9a-f]{2})*$/i, { error: "must be name=value,name=value" }))
    .transform(
      (pairs): Readonly<Record<string, string>> =>
        Object.fromEntries(
          pairs.map((pair) => [
            pair.slice(0, pair.indexOf("=")),
            decodeURIComponent(pair.slice(pair.indexOf("=") + 1)),
          ]),
        ),
    ),
);

export function split(value: string, separator: string): string[] {
  return value
    .split(separator)
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

function expected(what: string) {
  return ({ input }: { readonly input?: unknown }) => `must be ${what}, not ${JSON.stringify(input)}`;
}
