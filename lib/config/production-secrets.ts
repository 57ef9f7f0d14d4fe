import { entropyBits, isPlaceholder } from "./secret-strength.ts";
import type { Values } from "./variables.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** A setting that is not safe to run in production with. */
export interface Weakness {
  readonly name: string;
  /** What is wrong and what to do, as the end of a sentence that starts with the name. */
  readonly problem: string;
}

interface Strength {
  readonly length: number;
  readonly bits: number;
  readonly what: string;
}

export function when(isWeak: boolean, name: string, problem: string): Weakness[] {
  return isWeak ? [{ name, problem }] : [];
}

/** The database, NATS and Redis, and the first administrator. */
export const PASSWORD: Strength = { length: 12, bits: 35, what: "a password of 12 random characters or more" };
const KEY: Strength = { length: 32, bits: 75, what: "a random secret" };
const TOKEN: Strength = { length: 16, bits: 50, what: "a random token" };

/** Other secrets are checked for placeholders only: their strength is decided by those who issue them. */
export function secrets(values: Values, env: Environment): Weakness[] {
  const issued = ["SMTP_PASSWORD", ...Object.keys(env).filter((name) => /^OAUTH_[A-Z0-9_]+_CLIENT_SECRET$/.test(name))];
  return [
    ...ringSecrets(values.SECRET_KEY).flatMap((secret) => weakSecret("SECRET_KEY", secret, KEY)),
    ...Object.values(values.SERVICE_CREDENTIALS).flatMap((secret) => weakSecret("SERVICE_CREDENTIALS", secret, KEY)),
    ...Object.values(values.DB_ROLE_PASSWORDS).flatMap((secret) => weakSecret("DB_ROLE_PASSWORDS", secret, TOKEN)),
    ...weakSecret("OPERATOR_TOKEN", values.OPERATOR_TOKEN, TOKEN),
    ...weakSecret("PUSH_SECRET", values.PUSH_SECRET, TOKEN),
    ...issued.flatMap((name) => {
      const secret = name === "SMTP_PASSWORD" ? values.SMTP_PASSWORD : env[name];
      return when(secret !== undefined && isPlaceholder(secret), name, PLACEHOLDER);
    }),
  ].filter((one, index, all) => all.findIndex(({ name }) => name === one.name) === index);
}

const PLACEHOLDER = "is a placeholder or a common password: set a secret of your own";

export function weakSecret(name: string, secret: string | undefined, { length, bits, what }: Strength): Weakness[] {
  if (secret === undefined) return [];
  if (isPlaceholder(secret)) return [{ name, problem: PLACEHOLDER }];
  if (secret.length >= length && entropyBits(secret) >= bits) return [];
  return [{ name, problem: `is too easy to guess: set ${what}, for example from \`openssl rand -base64 32\`` }];
}

/** The secrets of `k2:…,k1:…`, or the whole value. */
function ringSecrets(value: string | undefined): string[] {
  if (value === undefined) return [];
  return value.split(",").map((entry) => entry.trim().replace(/^[a-z0-9]{1,16}:/, ""));
}

/** A secret that opens two things is lost for both when one of them leaks it. */
export function reusedSecrets(values: Values): Weakness[] {
  const all: Array<readonly [name: string, secret: string | undefined]> = [
    ...serversOf(values).flatMap(({ name, urls }) =>
      [...new Set(urls.map((url) => decodePart(url.password)))].map((secret) => [name, secret] as const),
    ),
    ...ringSecrets(values.SECRET_KEY).map((secret) => ["SECRET_KEY", secret] as const),
    ...Object.values(values.SERVICE_CREDENTIALS).map((secret) => ["SERVICE_CREDENTIALS", secret] as const),
    ...Object.values(values.DB_ROLE_PASSWORDS).map((secret) => ["DB_ROLE_PASSWORDS", secret] as const),
    ["OPERATOR_TOKEN", values.OPERATOR_TOKEN],
    ["PUSH_SECRET", values.PUSH_SECRET],
    ["ADMIN_PASSWORD", values.ADMIN_PASSWORD],
    ["SMTP_PASSWORD", values.SMTP_PASSWORD],
  ];
  const named = all.filter(([, secret]) => secret !== undefined && secret !== "");
  return named.flatMap(([name, secret], index) => {
    const earlier = named.slice(0, index).find(([, other]) => other === secret);
    return earlier ? [{ name, problem: `has the same secret as ${earlier[0]}: set a secret of its own` }] : [];
  });
}

export interface Server {
  readonly name: "DATABASE_URL" | "NATS_URL" | "REDIS_URL";
  readonly urls: readonly URL[];
}

export function serversOf(values: Values): Server[] {
  return (["DATABASE_URL", "NATS_URL", "REDIS_URL"] as const).map((name) => ({ name, urls: urlsOf(values[name]) }));
}

export function urlsOf(value: string | undefined): URL[] {
  const texts = (value ?? "").split(",").map((one) => one.trim());
  return texts.filter((one) => URL.canParse(one)).map((one) => new URL(one));
}

/** Of the user or password of a URL. */
export function decodePart(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
