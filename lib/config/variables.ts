import * as z from "zod";
import { Email } from "../actions/schemas.ts";
import { baseUrl, host, httpUrl, natsUrls, origins, redirectUrl, redisUrl, sender, webUrl } from "./address-schemas.ts";
import {
  byName,
  choice,
  choices,
  daysOrNever,
  extensions,
  flag,
  fraction,
  headerPairs,
  headerText,
  hexColor,
  integer,
  list,
  providerTenants,
  rate,
  ratesByRoute,
  returnUrls,
  split,
  sqlName,
  text,
  typedText,
} from "./schemas.ts";

/** One environment variable: how it is read, and what the README and `.env.example` say about it. */
export interface Variable {
  /** With the default, as text (`prefault`), or optional. */
  readonly schema: z.ZodType<unknown, string | undefined>;
  /** Other names that still work. */
  readonly aliases?: ReadonlyArray<string | Alias>;
  /** The aliases count only while the variable itself is unset; if it is set, an alias with another value is an error. */
  readonly aliasesYield?: true;
  readonly help: string;
}

/** An older variable of another form: `convert` turns its value into this one's; "" where it says nothing about it. */
interface Alias {
  readonly name: string;
  readonly convert: (value: string) => string;
}

const hoursToMinutes = (hours: string) => (/^\d+$/.test(hours) ? String(Number(hours) * 60) : hours);
const revocationMode = (value: string) => value.replace(/^bounded:.*/, "bounded");
const revocationSeconds = (value: string) => /^bounded:(.*)/.exec(value)?.[1] ?? "";

/**
 * Every variable that Usermesh reads, by the groups of the documentation. `npm run docs:env` writes the README's table
 * and `.env.example` from it.
 */
export const groups = {
  Server: {
    NODE_ENV: {
      schema: z
        .string()
        .transform((value) => (value.trim().toLowerCase() === "testing" ? "test" : value))
        .pipe(choice("development", "test", "production"))
        .prefault("development"),
      help: "`development`, `test` or `production`",
    },
    USERMESH_PROFILE: {
      schema: choice("job-dashboard", "meetinity", "rbac", "notification").optional(),
      help: "defaults of the earlier system that this installation replaces: `job-dashboard`, `meetinity`, `rbac` or `notification`",
    },
    ALLOW_INSECURE: {
      schema: list.prefault(""),
      help: "unsafe settings to accept in production, by variable, comma-separated; each is logged at every start",
    },
    APP_HOST: { schema: host.prefault("127.0.0.1"), help: "address that the gateway listens on" },
    APP_PORT: { schema: integer(0, 65_535).prefault("3000"), aliases: ["PORT"], help: "port of the gateway; `0`: any" },
    PUBLIC_URL: {
      schema: baseUrl.optional(),
      help: "public base URL and token issuer; mailed links start with it (default `http://localhost:<APP_PORT>`)",
    },
    PASSWORD_RESET_URL: {
      schema: webUrl.optional(),
      aliases: ["RESET_URL"],
      help: "page of your own that a password reset link opens, with `?token=` (default `<PUBLIC_URL>/reset-password`, with `#token=`)",
    },
    EMAIL_VERIFICATION_URL: {
      schema: webUrl.optional(),
      aliases: ["VERIFY_URL"],
      help: "page of your own that the links to verify and to change an address open, with `?token=` (default `<PUBLIC_URL>/api/v1/auth/verify-email`, with `#token=`)",
    },
    TRUST_PROXY: { schema: integer(0, 10).prefault("0"), help: "number of trusted proxies (`X-Forwarded-For`)" },
    ALLOWED_ORIGINS: {
      schema: origins.prefault(""),
      aliases: ["CORS_ORIGINS"],
      help: "CORS origins, exact match, comma-separated; `*` allows any, without credentials",
    },
    COOKIE_SAME_SITE: {
      schema: choice("lax", "none").prefault("lax"),
      help: "`none`: pages of other sites in `ALLOWED_ORIGINS` can keep a session in (partitioned) cookies; needs https",
    },
    REQUEST_TIMEOUT_MS: { schema: integer(100, 120_000).prefault("10000"), help: "time limit per request in ms" },
    SHUTDOWN_DELAY_SECONDS: {
      schema: integer(0, 10).prefault("0"),
      help: "how long a stopping gateway still serves after `/health/ready` has turned 503, so that load balancers notice first",
    },
    JSON_BODY_MAX_BYTES: {
      schema: integer(1_024, 1_048_576).prefault("65536"),
      aliases: ["BODY_LIMIT"],
      help: "maximum size of a JSON body, in bytes",
    },
    GATEWAY_EXTENSIONS: {
      schema: extensions.prefault(""),
      help: "actions of other services to publish under `/ext`, comma-separated: `jobs.*,push.status`",
    },
    UPLOAD_DIR: {
      schema: text.optional(),
      aliases: ["UPLOAD_FOLDER"],
      help: "directory for avatars, shared by all `users` nodes; unset: they are stored in the database",
    },
    UPLOAD_MAX_BYTES: {
      schema: integer(1_024, 104_857_600).prefault("16777216"),
      aliases: ["MAX_CONTENT_LENGTH"],
      help: "maximum size of an uploaded file, in bytes",
    },
    AVATAR_FORMATS: {
      schema: choices((name) => name.replace("jpeg", "jpg"), "jpg", "png", "gif", "webp").prefault("jpg,png,gif,webp"),
      aliases: ["ALLOWED_EXTENSIONS"],
      help: "accepted avatar formats, detected from the file's content, comma-separated",
    },
    OPERATOR_TOKEN: {
      schema: headerText.optional(),
      aliases: ["METRICS_TOKEN"],
      help: "bearer token for `/metrics` and health details; without it only loopback may read them",
    },
  },
  Dependencies: {
    DATA_DIR: { schema: text.prefault(".data"), help: "directory where the embedded servers keep their data" },
    DATABASE_URL: {
      schema: text.optional(),
      help: "PostgreSQL: as its owner for `npm run migrate`, for a node as the role of its service (`npm run secrets`); unset: embedded",
    },
    DB_ROLE_PASSWORDS: {
      schema: byName(
        /^[a-z]+=\S{12,}$/,
        "has an entry that is not <service>=<password of at least 12 characters>",
        String,
      ).prefault(""),
      help: "passwords that `npm run migrate` gives the roles: `users=<password>;auth=<password>`; unset: derived from the owner's",
    },
    DATABASE_EMBEDDED: {
      schema: flag.prefault("false"),
      help: "set by `npm start` and `npm run mesh` when `DATABASE_URL` is the embedded server",
    },
    DB_POOL_SIZE: {
      schema: integer(2, 200).prefault("10"),
      help: "database connections per process, for all its services; sessions open 2 more, and without Redis each job queue 1 and each worker 2",
    },
    DB_MAX_OVERFLOW: {
      schema: integer(0, 200).prefault("0"),
      help: "added to `DB_POOL_SIZE`: connections are opened on demand and closed when idle, so there is one limit",
    },
    DB_SSL: {
      schema: choice("off", "require", "verify").optional(),
      help: "TLS to PostgreSQL: `off` (default), `require` (certificate not verified) or `verify`",
    },
    DB_SSL_CA: {
      schema: text.optional(),
      help: "PEM file of the authorities that `DB_SSL=verify` trusts; unset: those of Node.js",
    },
    DB_ROLE_PREFIX: {
      schema: sqlName.optional(),
      help: "prefix of the names of the services' PostgreSQL roles, which all databases of a server share (default `usermesh_<database>`)",
    },
    DB_SCHEMA_PREFIX: {
      schema: sqlName.optional(),
      help: "prefix of the names of the schemas, for a database in which `users`, `auth` or `mail` are taken: `um_`",
    },
    NATS_URL: {
      schema: natsUrls.optional(),
      help: "NATS with JetStream, credentials included; unset: all services run in one process without a bus",
    },
    REDIS_URL: {
      schema: redisUrl.optional(),
      help: "Redis for job queues and rate limits; unset: queues in PostgreSQL, rate limits in memory",
    },
  },
  Secrets: {
    SECRET_KEY: {
      schema: text.optional(),
      aliases: ["JWT_SECRET_KEY", "JWT_SECRET"],
      aliasesYield: true,
      help: "key ring `k2:…,k1:…`, the active key first, at least 32 characters each; unset: generated once in `DATA_DIR`",
    },
    DERIVED_KEYS: {
      schema: text.optional(),
      help: "instead of SECRET_KEY: the keys that the services of this process use, from `npm run secrets`",
    },
  },
  Accounts: {
    ADMIN_EMAIL: { schema: Email.prefault("admin@example.com"), help: "email of the first administrator" },
    ADMIN_PASSWORD: {
      schema: typedText.optional(),
      help: "password of the first administrator; unset: generated at the first start and shown once",
    },
    ACCESS_TOKEN_EXPIRE_MINUTES: {
      schema: integer(1, 1_440).prefault("30"),
      aliases: [{ name: "JWT_EXPIRATION_HOURS", convert: hoursToMinutes }],
      help: "lifetime of an access token",
    },
    REFRESH_TOKEN_EXPIRE_DAYS: {
      schema: integer(1, 365).prefault("7"),
      aliases: ["JWT_REFRESH_EXPIRATION_DAYS"],
      help: "lifetime of a refresh token: a session that is not refreshed for this long ends",
    },
    SESSION_MAX_DAYS: { schema: integer(1, 3_650).prefault("30"), help: "maximum lifetime of a session" },
    REFRESH_GRACE_SECONDS: {
      schema: integer(0, 300).prefault("30"),
      help: "reuse interval: a refresh token used again within it gets the same successor, not a revoked session",
    },
    PASSWORD_HASH_COST: { schema: integer(4, 15).prefault("12"), aliases: ["BCRYPT_COST"], help: "bcrypt cost" },
    PASSWORD_HASH_CONCURRENCY: {
      schema: integer(1, 64).optional(),
      aliases: ["HASH_CONCURRENCY"],
      help: "passwords hashed at the same time per process (default: number of CPU cores)",
    },
    PASSWORD_HASH_MAX_WAIT_MS: {
      schema: integer(0, 8_000).prefault("1000"),
      help: "how long a password hash may wait for its turn; beyond that, 503 with `Retry-After` at once",
    },
    PASSWORD_POLICY: {
      schema: choice("classic", "length", "nist").prefault("length"),
      help: "`length` (8 characters), `nist` (15 characters) or `classic` (8 characters, upper case, lower case, digit)",
    },
    PWNED_PASSWORDS_URL: {
      schema: baseUrl.optional(),
      aliases: ["BREACHED_PASSWORDS_URL"],
      help: "range API of Have I Been Pwned for new passwords, like `https://api.pwnedpasswords.com/range`; unset: no check",
    },
    PREVENT_USER_ENUMERATION: {
      schema: flag.prefault("false"),
      aliases: ["HIDE_REGISTERED"],
      help: "`true`: sign-up answers 202 whether or not the email is registered",
    },
    REQUIRE_VERIFIED_EMAIL: { schema: flag.prefault("false"), help: "`true`: no sign-in before the email is verified" },
    SIGNING_ALGORITHM: {
      schema: choice("ES256", "RS256", "EdDSA").prefault("ES256"),
      help: "`ES256`, `RS256` or `EdDSA`: signature of access tokens. After a change, a new key takes over within an hour",
    },
    SIGNING_KEY_ROTATION_DAYS: {
      schema: integer(1, 365).prefault("30"),
      aliases: ["SIGNING_KEY_DAYS"],
      help: "days after which a new key signs access tokens",
    },
    ACCOUNT_DELETION_GRACE_DAYS: {
      schema: daysOrNever(365).prefault("30"),
      aliases: ["ERASE_AFTER_DAYS"],
      help: 'days between an account\'s deletion and the erasure of its data, or `never` to keep deleted accounts until their erasure is requested (`"erase": true`)',
    },
    OAUTH_RETURN_URLS: {
      schema: returnUrls.prefault(""),
      help: "URLs that a sign-in with a provider may return to, exact match, comma-separated: https, http on loopback, or a scheme like `com.example.app:`",
    },
    OAUTH_PICTURES: {
      schema: choice("public", "any", "off").prefault("public"),
      help: "picture of an account that is created through a provider: whether it is fetched: `public` over https from public addresses only, `any` also over http and from private addresses (for development), `off` never",
    },
  },
  Pages: {
    BRAND_NAME: { schema: text.prefault("Usermesh"), help: "name on the pages and in mails" },
    BRAND_COLOR: {
      schema: hexColor.prefault("#0d7a6b"),
      help: "colour of buttons and links on the pages and in mails, as `#rrggbb`; darker or lighter shades of it are used where it would be hard to read",
    },
    BRAND_LOGO: {
      schema: text.optional(),
      help: "path of a square SVG or PNG file: the logo on the pages, in browser tabs and, if it is a PNG, in mails",
    },
  },
  // `<NAME>` is chosen by the operator: oauth-providers.ts finds these in the environment.
  "OpenID Connect providers": {
    "OAUTH_<NAME>_CLIENT_ID": {
      schema: z.string({ error: "must be set when another variable of this provider is" }),
      help: "client ID; `<NAME>` is `GOOGLE`, `APPLE`, `LINKEDIN` or a name of your choice",
    },
    "OAUTH_<NAME>_CLIENT_SECRET": { schema: text.optional(), help: "client secret; unset: a public client with PKCE" },
    "OAUTH_<NAME>_ISSUER": {
      schema: z.url({
        protocol: /^https?$/,
        error: ({ input }) =>
          input === undefined
            ? "must be set for a provider other than google, apple and linkedin"
            : "must be a URL, https in production",
      }),
      help: "issuer URL; built in for Google, Apple and LinkedIn",
    },
    "OAUTH_<NAME>_SCOPES": {
      schema: z
        .string()
        .transform((scopes) => scopes.replaceAll(",", " "))
        .refine((scopes) => scopes.split(/\s+/).includes("openid"), { error: "must include openid" })
        .prefault("openid email profile"),
      help: "scopes to request",
    },
    "OAUTH_<NAME>_REDIRECT_URI": {
      schema: redirectUrl,
      help: "redirect URI registered with the provider (default `<PUBLIC_URL>/api/v1/auth/oauth/<name>/callback`)",
    },
    "OAUTH_<NAME>_NONCE": {
      schema: flag.prefault("true"),
      help: "`false` for a provider whose ID tokens have no nonce (default for LinkedIn: `false`)",
    },
    "OAUTH_<NAME>_TENANTS": {
      schema: providerTenants.optional(),
      help: "for a provider with an issuer per tenant (Microsoft Entra with the issuer `https://login.microsoftonline.com/organizations/v2.0`): ids of the tenants whose accounts may sign in, comma-separated, or `*` for all",
    },
    "OAUTH_<NAME>_TRUST_EMAIL": {
      schema: flag.prefault("false"),
      help: "`true`: addresses count as verified if the provider does not say whether they are, as with Microsoft Entra; only for a provider whose administrators you trust with the addresses of all accounts",
    },
    "OAUTH_<NAME>_RESPONSE_MODE": {
      schema: choice("query", "form_post").prefault("query"),
      help: "how the provider returns: `query` or `form_post` (default for Apple: `form_post`)",
    },
  },
  Mail: {
    SMTP_HOST: {
      schema: host.optional(),
      aliases: ["MAIL_SERVER"],
      help: "SMTP server; unset: an embedded one that delivers nothing and shows all mails at `/dev/mail`",
    },
    SMTP_PORT: { schema: integer(1, 65_535).prefault("587"), aliases: ["MAIL_PORT"], help: "SMTP port" },
    SMTP_USERNAME: { schema: text.optional(), aliases: ["MAIL_USERNAME"], help: "SMTP user; unset: no authentication" },
    SMTP_PASSWORD: { schema: text.optional(), aliases: ["MAIL_PASSWORD"], help: "SMTP password" },
    SMTP_TLS: {
      schema: choice("auto", "off", "require").prefault("auto"),
      aliases: ["MAIL_TLS"],
      help: "`auto` (STARTTLS if offered, TLS on port 465), `require` or `off`",
    },
    MAIL_FROM: {
      schema: sender.prefault("Usermesh <no-reply@localhost>"),
      aliases: ["MAIL_DEFAULT_SENDER"],
      help: "sender of all mails",
    },
    MAIL_TEMPLATES_DIR: {
      schema: text.optional(),
      help: "folder with your own mail texts (`<kind>.<language>.txt`) and mail layout (`layout.html`), which replace those of `services/mail/templates`",
    },
    DEV_MAILBOX_URL: {
      schema: webUrl.optional(),
      help: "where `/dev/mail` reads the mails of the embedded SMTP server; set by `npm run mesh`",
    },
  },
  Push: {
    PUSH_URL: {
      schema: httpUrl.optional(),
      help: "push service that receives each push notification as a JSON POST; unset: `mail.push` answers 503",
    },
    PUSH_SECRET: { schema: headerText.optional(), help: "sent to the push service as `Authorization: Bearer`" },
  },
  Webhooks: {
    WEBHOOK_ALLOW_PRIVATE_ADDRESSES: {
      schema: flag.prefault("false"),
      help: "`true` lets webhooks use http and send to private, loopback and link-local addresses, for development",
    },
  },
  Limits: {
    RATE_LIMIT_ENABLED: {
      schema: flag.prefault("true"),
      help: "`false` disables the rate limits per IP address (for load tests); limits per account remain",
    },
    RATE_LIMIT_REGISTER: { schema: rate.prefault("60/60"), help: "sign-ups per IP address, count/seconds" },
    RATE_LIMIT_LOGIN: { schema: rate.prefault("120/60"), help: "sign-ins and token refreshes per IP address" },
    RATE_LIMIT_MAIL: { schema: rate.prefault("30/60"), help: "requests that send a mail, per IP address" },
    RATE_LIMIT_DEFAULT: { schema: rate.prefault("600/60"), help: "all other requests, per IP address and gateway" },
    RATE_LIMIT_ROUTES: {
      schema: ratesByRoute.prefault(""),
      help: "limits of single routes instead of those above, by method and path as in `/openapi.json`: `POST /api/v1/auth/login=10/60;GET /api/v1/users/search=30/60`",
    },
  },
  Mesh: {
    CHECK_RESULTS: {
      schema: flag.optional(),
      help: "validate the results of actions against their contracts, some 30 µs each (default: `true` outside production)",
    },
    SERVICES: { schema: list.prefault(""), help: "services and workers of this process, comma-separated; empty: all" },
    NODE_ID: { schema: text.optional(), help: "node name on the bus (default: services, host and a random suffix)" },
    NODE_HEALTH_HOST: { schema: host.prefault("127.0.0.1"), help: "address that the health port listens on" },
    NODE_HEALTH_PORT: {
      schema: integer(0, 65_535).optional(),
      help: "port on which each node serves health checks and metrics, in addition to the gateway's own; unset: none",
    },
    REVOCATION_MODE: {
      schema: choice("strict", "bounded").prefault("strict"),
      aliases: [{ name: "REVOCATION", convert: revocationMode }],
      help: "when the revocation log is unreachable: `strict` rejects access tokens, `bounded` accepts them for a while",
    },
    REVOCATION_MAX_STALENESS_SECONDS: {
      schema: integer(0, 99_999).optional(),
      aliases: [{ name: "REVOCATION", convert: revocationSeconds }],
      help: "how long `bounded` accepts access tokens that could have been revoked",
    },
    SERVICE_CREDENTIALS: {
      schema: byName(
        /^[a-z][a-z0-9-]*=\S{32,}$/,
        "has an entry that is not <service>=<secret of at least 32 characters>",
        String,
      ).prefault(""),
      aliases: ["SERVICE_SECRETS"],
      help: "secrets of external services that call over HTTP, at least 32 characters each: `jobs=<secret>;push=<secret>`",
    },
    SERVICE_PERMISSIONS: {
      schema: byName(
        /^[a-z][a-z0-9-]*=[a-z:_ ]+$/,
        "has an entry that is not <service>=<permission> <permission>",
        (value) => split(value, " "),
      ).prefault(""),
      help: "permissions of external services: `jobs=users:read users:validate push:send;push=users:read`",
    },
    CIRCUIT_BREAKER_FAILURES: {
      schema: integer(1, 1_000).prefault("5"),
      aliases: ["BREAKER_FAILURES"],
      help: "failures that open a circuit breaker",
    },
    CIRCUIT_BREAKER_OPEN_SECONDS: {
      schema: integer(1, 3_600).prefault("60"),
      aliases: ["BREAKER_OPEN_SECONDS"],
      help: "how long the circuit breaker for mails or push notifications stays open before the next attempt",
    },
  },
  Tracing: {
    OTEL_EXPORTER_OTLP_ENDPOINT: {
      schema: webUrl.optional(),
      help: "OpenTelemetry collector (OTLP over HTTP) that gets the traces, such as `http://localhost:4318`; unset: no traces",
    },
    OTEL_EXPORTER_OTLP_HEADERS: {
      schema: headerPairs.prefault(""),
      help: "headers for the collector, comma-separated: `authorization=Bearer%20…`",
    },
    OTEL_TRACES_SAMPLER_ARG: {
      schema: fraction.prefault("1"),
      help: "share of the requests that are traced, from 0 to 1; one that a client already traces is always traced",
    },
  },
  Logs: {
    LOG_LEVEL: {
      schema: choice("fatal", "error", "warn", "info", "debug", "trace").prefault("info"),
      help: "`fatal`, `error`, `warn`, `info`, `debug` or `trace`",
    },
    LOG_FILE: {
      schema: text.optional(),
      help: "also write the log to numbered files (`logs/usermesh.log` writes `logs/usermesh.1.log`, `.2.log`, …), rotated daily and at 10 MB",
    },
    LOG_PRETTY: {
      schema: flag.optional(),
      help: "`true`: human-readable log instead of JSON (default: `true` if standard output is a terminal)",
    },
  },
} satisfies Readonly<Record<string, Readonly<Record<string, Variable>>>>;

export const providerVariables = groups["OpenID Connect providers"];

export const variables = {
  ...groups.Server,
  ...groups.Dependencies,
  ...groups.Secrets,
  ...groups.Accounts,
  ...groups.Pages,
  ...groups.Mail,
  ...groups.Push,
  ...groups.Webhooks,
  ...groups.Limits,
  ...groups.Mesh,
  ...groups.Tracing,
  ...groups.Logs,
};

/** All names of a variable, the current one first, and what turns each one's values into those of the variable. */
export function namesOf(name: string, { aliases = [] }: Variable): Alias[] {
  const convert = (value: string) => value;
  return [name, ...aliases].map((one) => (typeof one === "string" ? { name: one, convert } : one));
}

const schema = schemaOf(variables);
export type Values = z.output<typeof schema>;

export function schemaOf<const T extends Readonly<Record<string, Variable>>>(table: T) {
  const schemas = Object.fromEntries(Object.entries(table).map(([name, one]) => [name, one.schema]));
  return z.object(schemas as { -readonly [K in keyof T]: T[K]["schema"] });
}
