import * as z from "zod";

/** Schemas of environment variables: each reads the text of one and says what it expects. */

export const text = z.string();

export function integer(min: number, max: number) {
  const error = expected(`a whole number from ${min} to ${max}`);
  return z
    .string()
    .regex(/^\d{1,15}$/, { error })
    .transform(Number)
    .pipe(z.number().min(min, { error }).max(max, { error }));
}

export function choice<const T extends readonly string[]>(...values: T) {
  return z
    .string()
    .toLowerCase()
    .pipe(z.enum(values, { error: expected(`one of ${values.join(", ")}`) }));
}

export const flag = z.stringbool({ truthy: ["true", "1"], falsy: ["false", "0"], error: expected("true or false") });

/** Comma-separated. */
export const list = z.string().transform((value): readonly string[] => split(value, ","));

/** Names of services of ours start no extension: their actions check callers of ours. */
const OUR_SERVICES = /^(?:admin|auth|gateway|mail|preferences|sessions|users|worker-.*|\$.*)\./;

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

/** The value is not quoted in the error: a URL can contain a password. */
export const httpUrl = z.url({ protocol: /^https?$/, error: "must be an http or https URL" });

/** Without slashes at its end. */
export const webUrl = httpUrl.transform((url) => url.replace(/\/+$/, ""));

/** Of a server that is not HTTP; NATS and Redis take several, separated by commas. */
export const serverUrl = z
  .string()
  .refine((value) => URL.canParse(value.split(",")[0] ?? ""), { error: "must be a URL" });

export const rate = z
  .string()
  .regex(/^[1-9]\d{0,6}\/[1-9]\d{0,5}$/, { error: expected("<count>/<seconds>, like 60/60") })
  .transform((value) => {
    const [count = 0, seconds = 0] = value.split("/").map(Number);
    return { count, seconds };
  });

/** `jobs=…;push=…`: a value for each foreign service, checked by `pattern`. */
export function byService<T>(pattern: RegExp, error: string, read: (value: string) => T) {
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

export function split(value: string, separator: string): string[] {
  return value
    .split(separator)
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

function expected(what: string) {
  return ({ input }: { readonly input?: unknown }) => `must be ${what}, not ${JSON.stringify(input)}`;
}
