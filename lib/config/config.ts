import { availableParallelism } from "node:os";
import { isAllowedUrl, readOAuthProviders } from "./oauth-providers.ts";
import { type Variable, variables } from "./variables.ts";

/**
 * The one config module: reads the environment once, at start, and refuses what it does not understand.
 * A dependency without a URL is served by the embedded one, but never in production.
 */
export type Environment = Readonly<Record<string, string | undefined>>;
export type Config = ReturnType<typeof readConfig>;

/** All that is wrong with the environment, one line each. */
export class ConfigError extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(`The configuration is not valid:\n${problems.map((line) => `  - ${line}`).join("\n")}`);
    this.name = "ConfigError";
    this.problems = problems;
  }
}

export function readConfig(env: Environment) {
  const problems: string[] = [];
  const read = reader(env, problems);
  const environment = read.choice("NODE_ENV", ["development", "test", "production"]);
  const production = environment === "production";
  const port = read.integer("APP_PORT", 0, 65_535);
  const publicUrl = trimSlash(read.url("PUBLIC_URL") ?? `http://localhost:${port}`);
  const config = {
    environment,
    production,
    dataDir: read.text("DATA_DIR"),
    services: read.list("SERVICES"),
    nodeId: read.optional("NODE_ID"),
    metrics: {
      token: read.optional("METRICS_TOKEN"),
      host: read.text("NODE_HEALTH_HOST"),
      port: read.optionalInteger("NODE_HEALTH_PORT", 0, 65_535),
    },
    http: {
      host: read.text("APP_HOST"),
      port,
      publicUrl,
      resetUrl: read.url("RESET_URL"),
      trustProxy: read.integer("TRUST_PROXY", 0, 10),
      allowedOrigins: read.list("ALLOWED_ORIGINS"),
      requestTimeoutMs: read.integer("REQUEST_TIMEOUT_MS", 100, 120_000),
      bodyLimit: read.integer("BODY_LIMIT", 1_024, 1_048_576),
    },
    uploads: {
      folder: read.optional("UPLOAD_FOLDER"),
      mostBytes: read.integer("MAX_CONTENT_LENGTH", 1_024, 104_857_600),
      formats: read.list("ALLOWED_EXTENSIONS").map((name) => name.toLowerCase().replace("jpeg", "jpg")),
    },
    database: {
      url: read.url("DATABASE_URL"),
      embedded: read.flag("DATABASE_EMBEDDED"),
      poolSize: read.integer("DB_POOL_SIZE", 2, 200),
      maxOverflow: read.integer("DB_MAX_OVERFLOW", 0, 200),
      ssl: read.choice("DB_SSL", ["off", "require", "verify"]),
    },
    nats: { url: read.url("NATS_URL") },
    redis: { url: read.url("REDIS_URL"), cacheUrl: read.url("CACHE_REDIS_URL") },
    mail: {
      host: read.optional("MAIL_SERVER"),
      port: read.optionalInteger("MAIL_PORT", 1, 65_535),
      username: read.optional("MAIL_USERNAME"),
      password: read.optional("MAIL_PASSWORD"),
      sender: read.text("MAIL_DEFAULT_SENDER"),
      tls: read.choice("MAIL_TLS", ["auto", "off", "require"]),
      devMailboxUrl: read.url("DEV_MAILBOX_URL"),
    },
    push: { url: readPushUrl(read.optional("PUSH_URL"), problems), secret: read.optional("PUSH_SECRET") },
    secretKey: read.optional("SECRET_KEY"),
    auth: {
      accessTokenSeconds: read.integer("ACCESS_TOKEN_EXPIRE_MINUTES", 1, 1_440) * 60,
      refreshIdleSeconds: read.integer("REFRESH_TOKEN_EXPIRE_DAYS", 1, 365) * 86_400,
      sessionMaxSeconds: read.integer("SESSION_MAX_DAYS", 1, 3_650) * 86_400,
      refreshGraceSeconds: read.integer("REFRESH_GRACE_SECONDS", 0, 300),
      bcryptCost: read.integer("BCRYPT_COST", 4, 15),
      hashConcurrency: read.optionalInteger("HASH_CONCURRENCY", 1, 64) ?? availableParallelism(),
      hashQueue: read.integer("HASH_QUEUE", 0, 10_000),
      passwordPolicy: read.choice("PASSWORD_POLICY", ["classic", "length", "nist"]),
      breachedPasswordsUrl: readBreachedPasswordsUrl(read.optional("BREACHED_PASSWORDS_URL"), production, problems),
      hideRegistered: read.flag("HIDE_REGISTERED"),
      requireVerifiedEmail: read.flag("REQUIRE_VERIFIED_EMAIL"),
      signingKeyDays: read.integer("SIGNING_KEY_DAYS", 1, 365),
    },
    oauth: {
      providers: readOAuthProviders(env, problems, { publicUrl, production }),
      returnUrls: read.list("OAUTH_RETURN_URLS"),
    },
    admin: { email: read.text("ADMIN_EMAIL"), password: read.optional("ADMIN_PASSWORD") },
    revocation: readRevocation(read.text("REVOCATION")),
    rateLimits: {
      enabled: read.flag("RATE_LIMIT_ENABLED"),
      register: read.rate("RATE_LIMIT_REGISTER"),
      login: read.rate("RATE_LIMIT_LOGIN"),
      mail: read.rate("RATE_LIMIT_MAIL"),
      default: read.rate("RATE_LIMIT_DEFAULT"),
    },
    breaker: {
      failures: read.integer("BREAKER_FAILURES", 1, 1_000),
      deliveryOpenMs: read.integer("BREAKER_OPEN_SECONDS", 1, 3_600) * 1_000,
    },
    eraseAfterDays: read.integer("ERASE_AFTER_DAYS", 0, 365),
    serviceSecrets: readServiceSecrets(read.text("SERVICE_SECRETS"), problems),
    servicePermissions: readServicePermissions(read.text("SERVICE_PERMISSIONS"), problems),
    log: {
      level: read.choice("LOG_LEVEL", ["fatal", "error", "warn", "info", "debug", "trace"]),
      file: read.optional("LOG_FILE"),
      pretty: read.flag("LOG_PRETTY"),
    },
    /** Words for the operator that are no errors. */
    warnings: warnings(env),
  } as const;
  if (production) problems.push(...missingInProduction(config));
  if (config.revocation.kind === "unknown") problems.push("REVOCATION must be `strict` or `bounded:<seconds>`.");
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}

interface Rate {
  readonly count: number;
  readonly seconds: number;
}

function reader(env: Environment, problems: string[]) {
  const raw = (name: string): string => readVariable(variable(name), env, problems);
  const optional = (name: string) => raw(name) || undefined;
  const integer = (name: string, least: number, most: number): number => {
    const text = raw(name);
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    problems.push(`${name} must be a whole number from ${least} to ${most}, not ${JSON.stringify(text)}.`);
    return least;
  };
  return {
    text: raw,
    optional,
    integer,
    optionalInteger: (name: string, least: number, most: number) =>
      raw(name) === "" ? undefined : integer(name, least, most),
    list: (name: string): readonly string[] =>
      raw(name)
        .split(",")
        .map((item) => item.trim())
        .filter((item) => item !== ""),
    choice<const T extends string>(name: string, choices: readonly T[]): T {
      const text = raw(name).toLowerCase();
      const found = choices.find((choice) => choice === text);
      if (found === undefined)
        problems.push(`${name} must be one of ${choices.join(", ")}, not ${JSON.stringify(text)}.`);
      return found ?? (choices[0] as T);
    },
    flag(name: string): boolean {
      const text = raw(name).toLowerCase();
      if (!["true", "false", "1", "0"].includes(text))
        problems.push(`${name} must be true or false, not ${JSON.stringify(text)}.`);
      return text === "true" || text === "1";
    },
    url(name: string): string | undefined {
      const text = optional(name);
      if (text !== undefined && !URL.canParse(text.split(",")[0] ?? "")) problems.push(`${name} must be a URL.`);
      return text;
    },
    rate(name: string): Rate {
      const match = /^(\d{1,7})\/(\d{1,6})$/.exec(raw(name));
      if (match && Number(match[1]) > 0 && Number(match[2]) > 0)
        return { count: Number(match[1]), seconds: Number(match[2]) };
      problems.push(`${name} must be <count>/<seconds>, like 60/60.`);
      return { count: 1, seconds: 1 };
    },
  };
}

function variable(name: string): Variable {
  const found = variables.find((one) => one.name === name);
  if (!found) throw new Error(`No such variable: ${name}`);
  return found;
}

/** Two names of one thing may both be set, but not to different things. */
function readVariable(one: Variable, env: Environment, problems: string[]): string {
  const set = [{ name: one.name, value: env[one.name] }];
  for (const alias of one.aliases ?? []) {
    const value = env[alias.name];
    set.push({ name: alias.name, value: value && alias.convert ? alias.convert(value) : value });
  }
  const given = set.filter((entry) => entry.value !== undefined && entry.value !== "");
  const [first, second] = [given[0], given.find((entry) => entry.value !== given[0]?.value)];
  if (first && second)
    problems.push(`${first.name} and ${second.name} mean the same thing and differ. Set one of them.`);
  return first?.value ?? one.default ?? "";
}

type Revocation =
  | { readonly kind: "strict" }
  | { readonly kind: "bounded"; readonly seconds: number }
  | { readonly kind: "unknown" };

function readRevocation(text: string): Revocation {
  if (text === "strict") return { kind: "strict" };
  const match = /^bounded:(\d{1,5})$/.exec(text);
  return match ? { kind: "bounded", seconds: Number(match[1]) } : { kind: "unknown" };
}

/** `jobs=users:read users:validate;push=users:read` → what each foreign service may do. */
function readServicePermissions(text: string, problems: string[]): Readonly<Record<string, readonly string[]>> {
  const entries = text
    .split(";")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
  return Object.fromEntries(
    entries.map((entry) => {
      const match = /^([a-z][a-z0-9-]*)=([a-z:_ ]+)$/.exec(entry);
      if (!match)
        problems.push(`SERVICE_PERMISSIONS: ${JSON.stringify(entry)} is not <service>=<permission> <permission>.`);
      return [match?.[1] ?? "", (match?.[2] ?? "").split(" ").filter((one) => one !== "")];
    }),
  );
}

/** `jobs=<secret>;push=<secret>`: by which secret each foreign service is known over HTTP. */
function readServiceSecrets(text: string, problems: string[]): Readonly<Record<string, string>> {
  const entries = text
    .split(";")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
  return Object.fromEntries(
    entries.map((entry) => {
      const [, name, secret] = /^([a-z][a-z0-9-]*)=(\S{32,})$/.exec(entry) ?? [];
      if (!name) problems.push("SERVICE_SECRETS: an entry is not <service>=<secret of 32 characters or more>.");
      return [name ?? "", secret ?? ""];
    }),
  );
}

/** What comes back decides on passwords: in production nobody on the line may write it. */
function readBreachedPasswordsUrl(url: string | undefined, production: boolean, problems: string[]) {
  if (url !== undefined && !isAllowedUrl(url, production))
    problems.push("BREACHED_PASSWORDS_URL must be a URL, https in production.");
  return url && trimSlash(url);
}

/** Plain http is for a push service in the same network. */
function readPushUrl(url: string | undefined, problems: string[]) {
  if (url !== undefined && !isAllowedUrl(url, false)) problems.push("PUSH_URL must be a URL.");
  return url;
}

interface Dependencies {
  readonly database: { readonly url: string | undefined };
  readonly nats: { readonly url: string | undefined };
  readonly redis: { readonly url: string | undefined };
  readonly mail: { readonly host: string | undefined };
  readonly secretKey: string | undefined;
}

function missingInProduction(config: Dependencies): string[] {
  const needed: Array<[string, unknown]> = [
    ["DATABASE_URL", config.database.url],
    ["NATS_URL", config.nats.url],
    ["REDIS_URL", config.redis.url],
    ["MAIL_SERVER", config.mail.host],
    ["SECRET_KEY", config.secretKey],
  ];
  return needed.filter(([, value]) => !value).map(([name]) => `${name} must be set when NODE_ENV is production.`);
}

function warnings(env: Environment): string[] {
  const found: string[] = [];
  if (Object.keys(env).some((name) => name.startsWith("KAFKA_"))) {
    found.push("KAFKA_* is set: Usermesh states its events on the JetStream streams USERS and SESSIONS, not on Kafka.");
  }
  if (!env.SECRET_KEY && (env.JWT_SECRET_KEY || env.JWT_SECRET)) {
    found.push(
      "JWT_SECRET_KEY is taken as SECRET_KEY. Tokens are signed with an asymmetric key now; verify them with /.well-known/jwks.json.",
    );
  }
  return found;
}

function trimSlash(url: string): string {
  return url.replace(/\/+$/, "");
}
