import { availableParallelism } from "node:os";
import { readDatabaseSettings } from "./database-settings.ts";
import { misspelled } from "./misspelled.ts";
import { readOAuthProviders } from "./oauth-providers.ts";
import { checkProduction } from "./production-checks.ts";
import { withProfile } from "./profiles.ts";
import { needsOf } from "./service-needs.ts";
import { namesOf, schemaOf, type Values, type Variable, variables } from "./variables.ts";

/** Reads the environment once, at start. Unset dependencies are embedded ones, except in production. */
export type Environment = Readonly<Record<string, string | undefined>>;
export type Config = ReturnType<typeof readConfig>;

/** All problems with the environment, one line each. */
export class ConfigError extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(`The configuration is not valid:\n${problems.map((line) => `  - ${line}`).join("\n")}`);
    this.name = "ConfigError";
    this.problems = problems;
  }
}

/** `migrate` needs the database alone. */
export type Command = "node" | "migrate";

export function readConfig(given: Environment, command: Command = "node") {
  const env = withProfile(given);
  const problems: string[] = [];
  const values = readVariables(env, problems);
  const production = values.NODE_ENV === "production";
  const publicUrl = values.PUBLIC_URL ?? `http://localhost:${values.APP_PORT}`;
  const { warnings: databaseWarnings, ...database } = readDatabaseSettings(values, env, problems);
  const providers = readOAuthProviders(env, problems, { publicUrl, production });
  const insecure = production
    ? checkProduction({ ...values, DATABASE_URL: database.url, DB_SSL: database.ssl }, env, command)
    : { problems: [], accepted: [] };
  const more = [...inconsistencies(values, command), ...insecure.problems];
  problems.push(...more.filter((line) => !problems.some((one) => isSameVariable(one, line))));
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    environment: values.NODE_ENV,
    production,
    checkResults: values.CHECK_RESULTS ?? !production,
    dataDir: values.DATA_DIR,
    services: values.SERVICES,
    nodeId: values.NODE_ID,
    operatorToken: values.OPERATOR_TOKEN,
    nodeHealth: { host: values.NODE_HEALTH_HOST, port: values.NODE_HEALTH_PORT },
    http: {
      host: values.APP_HOST,
      port: values.APP_PORT,
      publicUrl,
      passwordResetUrl: values.PASSWORD_RESET_URL,
      emailVerificationUrl: values.EMAIL_VERIFICATION_URL,
      shutdownDelayMs: values.SHUTDOWN_DELAY_SECONDS * 1_000,
      trustProxy: values.TRUST_PROXY,
      allowedOrigins: values.ALLOWED_ORIGINS,
      cookieSameSite: values.COOKIE_SAME_SITE,
      requestTimeoutMs: values.REQUEST_TIMEOUT_MS,
      jsonBodyMaxBytes: values.JSON_BODY_MAX_BYTES,
      extensions: values.GATEWAY_EXTENSIONS,
    },
    uploads: { dir: values.UPLOAD_DIR, maxBytes: values.UPLOAD_MAX_BYTES, avatarFormats: values.AVATAR_FORMATS },
    brand: { name: values.BRAND_NAME, color: values.BRAND_COLOR, logo: values.BRAND_LOGO },
    database: { ...database, poolSize: values.DB_POOL_SIZE + values.DB_MAX_OVERFLOW },
    nats: { url: values.NATS_URL },
    redis: { url: values.REDIS_URL },
    mail: {
      host: values.SMTP_HOST,
      port: values.SMTP_PORT,
      username: values.SMTP_USERNAME,
      password: values.SMTP_PASSWORD,
      tls: values.SMTP_TLS,
      from: values.MAIL_FROM,
      templatesDir: values.MAIL_TEMPLATES_DIR,
      devMailboxUrl: values.DEV_MAILBOX_URL,
    },
    webhooks: { allowPrivateAddresses: values.WEBHOOK_ALLOW_PRIVATE_ADDRESSES },
    push: { url: values.PUSH_URL, secret: values.PUSH_SECRET },
    secretKey: values.SECRET_KEY,
    derivedKeys: values.DERIVED_KEYS,
    auth: {
      accessTokenSeconds: values.ACCESS_TOKEN_EXPIRE_MINUTES * 60,
      refreshIdleSeconds: values.REFRESH_TOKEN_EXPIRE_DAYS * 86_400,
      sessionMaxSeconds: values.SESSION_MAX_DAYS * 86_400,
      refreshGraceSeconds: values.REFRESH_GRACE_SECONDS,
      passwordHash: {
        cost: values.PASSWORD_HASH_COST,
        concurrency: values.PASSWORD_HASH_CONCURRENCY ?? availableParallelism(),
        maxWaitMs: values.PASSWORD_HASH_MAX_WAIT_MS,
      },
      passwordPolicy: values.PASSWORD_POLICY,
      pwnedPasswordsUrl: values.PWNED_PASSWORDS_URL,
      preventUserEnumeration: values.PREVENT_USER_ENUMERATION,
      requireVerifiedEmail: values.REQUIRE_VERIFIED_EMAIL,
      signingAlgorithm: values.SIGNING_ALGORITHM,
      signingKeyRotationDays: values.SIGNING_KEY_ROTATION_DAYS,
    },
    accountDeletionGraceDays: values.ACCOUNT_DELETION_GRACE_DAYS,
    // The pages of our own may always be returned to.
    oauth: {
      providers,
      pictures: values.OAUTH_PICTURES,
      returnUrls: [...values.OAUTH_RETURN_URLS, `${publicUrl}/login`, `${publicUrl}/account/security`],
    },
    admin: { email: values.ADMIN_EMAIL, password: values.ADMIN_PASSWORD },
    revocation: {
      /** 0: strict. */
      maxStalenessSeconds: values.REVOCATION_MODE === "bounded" ? (values.REVOCATION_MAX_STALENESS_SECONDS ?? 0) : 0,
    },
    rateLimits: {
      enabled: values.RATE_LIMIT_ENABLED,
      register: values.RATE_LIMIT_REGISTER,
      login: values.RATE_LIMIT_LOGIN,
      mail: values.RATE_LIMIT_MAIL,
      default: values.RATE_LIMIT_DEFAULT,
      /** By method and path of a route. */
      routes: values.RATE_LIMIT_ROUTES,
    },
    circuitBreaker: {
      failures: values.CIRCUIT_BREAKER_FAILURES,
      deliveryOpenMs: values.CIRCUIT_BREAKER_OPEN_SECONDS * 1_000,
    },
    serviceCredentials: values.SERVICE_CREDENTIALS,
    servicePermissions: values.SERVICE_PERMISSIONS,
    tracing: {
      /** Unset: no traces. */
      endpoint: values.OTEL_EXPORTER_OTLP_ENDPOINT,
      headers: values.OTEL_EXPORTER_OTLP_HEADERS,
      ratio: values.OTEL_TRACES_SAMPLER_ARG,
    },
    log: { level: values.LOG_LEVEL, file: values.LOG_FILE, pretty: values.LOG_PRETTY },
    /** Logged at the start: variables without effect, or with another effect than in the replaced systems. */
    warnings: [...warnings(env), ...databaseWarnings, ...insecure.accepted],
  };
}

/** Sets variables by their current names, and unsets their aliases. */
export function withVariables(env: Environment, values: Partial<Record<keyof typeof variables, string>>): Environment {
  const names = Object.keys(values).flatMap((name) => namesOf(name, variables[name as keyof typeof variables]));
  return { ...env, ...Object.fromEntries(names.map(({ name }) => [name, undefined])), ...values };
}

const schema = schemaOf(variables);

/** A variable that is not valid counts as unset from there on, so that all other problems are found as well. */
function readVariables(env: Environment, problems: string[]): Values {
  const given = new Map<string, { readonly name: string; readonly value: string }>();
  for (const [name, one] of Object.entries<Variable>(variables)) {
    const [first, ...others] = namesOf(name, one)
      .map((its) => ({ name: its.name, value: its.convert(env[its.name] ?? "") }))
      .filter(({ value }) => value !== "");
    if (first) given.set(name, first);
    const other = others.find(({ value }) => value !== first?.value);
    if (first && other && !(one.aliasesYield && first.name === name))
      problems.push(`${first.name} and ${other.name} mean the same and differ. Set only one of them.`);
  }
  const parse = () => schema.safeParse(Object.fromEntries([...given].map(([name, { value }]) => [name, value])));
  const invalid = parse().error?.issues.map(({ path, message }) => ({ name: String(path[0]), message })) ?? [];
  problems.push(...new Set(invalid.map(({ name, message }) => `${given.get(name)?.name} ${message}.`)));
  for (const { name } of invalid) given.delete(name);
  return parse().data as Values;
}

/** What the services of this process need from the operator in production, where nothing is embedded. */
function requiredInProduction({ SERVICES, DERIVED_KEYS }: Values, command: Command) {
  const { database, keys } = needsOf(SERVICES);
  const sendsMail = SERVICES.length === 0 || SERVICES.includes("mail");
  const isNode = command === "node";
  return [
    ...(database || !isNode ? (["DATABASE_URL"] as const) : []),
    ...(isNode ? (["NATS_URL", "REDIS_URL"] as const) : []),
    ...(isNode && sendsMail ? (["SMTP_HOST"] as const) : []),
    ...(isNode && keys.length > 0 && DERIVED_KEYS === undefined ? (["SECRET_KEY"] as const) : []),
  ];
}

function inconsistencies(values: Values, command: Command): string[] {
  const problems: string[] = [];
  if (values.REVOCATION_MODE === "bounded" && values.REVOCATION_MAX_STALENESS_SECONDS === undefined)
    problems.push("REVOCATION_MAX_STALENESS_SECONDS must be set when REVOCATION_MODE is bounded.");
  // Browsers refuse such a cookie without Secure, which they accept over https alone.
  if (values.COOKIE_SAME_SITE === "none" && !values.PUBLIC_URL?.startsWith("https:"))
    problems.push("COOKIE_SAME_SITE is none, which needs an https PUBLIC_URL.");
  if ((values.SMTP_USERNAME === undefined) !== (values.SMTP_PASSWORD === undefined))
    problems.push("SMTP_USERNAME and SMTP_PASSWORD must be set together: one without the other signs nobody in.");
  // Connections to this port start with TLS (RFC 8314), whatever SMTP_TLS says.
  if (values.SMTP_PORT === 465 && values.SMTP_TLS === "off")
    problems.push("SMTP_TLS is off and SMTP_PORT 465 means TLS: they contradict each other.");
  if (values.NODE_ENV !== "production") return problems;
  for (const name of requiredInProduction(values, command))
    if (values[name] === undefined) problems.push(`${name} must be set when NODE_ENV is production.`);
  if (command === "node" && values.NATS_URL === undefined && values.REDIS_URL === undefined)
    problems.push(
      "NODE_ENV=production requires NATS and Redis. To try Usermesh without them, set NODE_ENV=development.",
    );
  // The response decides whether a password is accepted, so an attacker on the network must not be able to write it.
  if (values.PWNED_PASSWORDS_URL?.startsWith("http:"))
    problems.push("PWNED_PASSWORDS_URL must be an https URL in production.");
  return problems;
}

/** Not "must be set" for one that is set and not valid. */
function isSameVariable(problem: string, other: string): boolean {
  return problem.split(" ")[0] === other.split(" ")[0];
}

function warnings(env: Environment): string[] {
  const found: string[] = [];
  if (Object.keys(env).some((name) => name.startsWith("KAFKA_")))
    found.push("KAFKA_* has no effect: events are published to the JetStream streams USERS and SESSIONS.");
  if (env.PASSWORD_HASH_QUEUE || env.HASH_QUEUE)
    found.push(
      "PASSWORD_HASH_QUEUE has no effect: PASSWORD_HASH_MAX_WAIT_MS limits how long a password hash may wait.",
    );
  found.push(...misspelled(env));
  const given = env.JWT_SECRET_KEY ? "JWT_SECRET_KEY" : "JWT_SECRET";
  if (env.SECRET_KEY && env[given])
    found.push(`${given} has no effect beside SECRET_KEY: verify tokens with /.well-known/jwks.json.`);
  if (!env.SECRET_KEY && env[given])
    found.push(
      `${given} is used as SECRET_KEY. Tokens are signed with an asymmetric key; verify them with /.well-known/jwks.json.`,
    );
  return found;
}
