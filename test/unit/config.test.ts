import { describe, expect, test } from "@jest/globals";
import { ConfigError, type Environment, readConfig, withVariables } from "../../lib/config/config.ts";
import { production } from "../support/data/production.ts";

const secret = "k1:0123456789abcdef0123456789abcdef";

function problemsOf(env: Environment): readonly string[] {
  try {
    readConfig(env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

describe("the configuration", () => {
  test("of an empty environment is complete for development", () => {
    const config = readConfig({});
    expect(config.http).toMatchObject({ port: 3000, publicUrl: "http://localhost:3000", trustProxy: 0 });
    expect(config.auth).toMatchObject({
      accessTokenSeconds: 1_800,
      refreshIdleSeconds: 604_800,
      refreshGraceSeconds: 30,
    });
    expect(config.database.url).toBeUndefined();
  });

  test.each(["DATABASE_URL", "NATS_URL", "REDIS_URL", "SMTP_HOST", "SECRET_KEY"])(
    "requires %s in production",
    (name) => {
      expect(problemsOf({ ...production, [name]: undefined })).toEqual([
        `${name} must be set when NODE_ENV is production.`,
      ]);
    },
  );

  test("accepts a complete production environment", () => {
    expect(problemsOf(production)).toEqual([]);
  });

  test("rejects two names of a variable with different values", () => {
    const problems = problemsOf({ ALLOWED_ORIGINS: "https://a.example", CORS_ORIGINS: "https://b.example" });
    expect(problems).toEqual(["ALLOWED_ORIGINS and CORS_ORIGINS mean the same and differ. Set only one of them."]);
  });

  test("accepts two names of a variable with the same value", () => {
    const env = { REVOCATION: "bounded:60", REVOCATION_MODE: "bounded", REVOCATION_MAX_STALENESS_SECONDS: "60" };
    expect(readConfig(env).revocation).toEqual({ maxStalenessSeconds: 60 });
  });

  test("accepts the names of the systems that it replaces", () => {
    const config = readConfig({ JWT_EXPIRATION_HOURS: "2", JWT_REFRESH_EXPIRATION_DAYS: "14", JWT_SECRET: secret });
    expect(config.auth).toMatchObject({ accessTokenSeconds: 7_200, refreshIdleSeconds: 14 * 86_400 });
    expect(config.secretKey).toBe(secret);
    expect(config.warnings.join()).toContain("JWT_SECRET is used as SECRET_KEY");
  });

  test("accepts former names", () => {
    const config = readConfig({
      MAIL_SERVER: "smtp.example.com",
      MAIL_PORT: "2525",
      MAIL_DEFAULT_SENDER: "us@example.com",
      BCRYPT_COST: "10",
      HIDE_REGISTERED: "true",
      ERASE_AFTER_DAYS: "7",
      METRICS_TOKEN: "token",
      MAX_CONTENT_LENGTH: "2048",
      ALLOWED_EXTENSIONS: "png, JPEG, jpg",
      PORT: "8080",
    });
    expect(config.mail).toMatchObject({ host: "smtp.example.com", port: 2525, from: "us@example.com" });
    expect(config.auth).toMatchObject({ passwordHash: { cost: 10 }, preventUserEnumeration: true });
    expect(config).toMatchObject({ accountDeletionGraceDays: 7, operatorToken: "token", http: { port: 8080 } });
    expect(config.uploads).toMatchObject({ maxBytes: 2_048, avatarFormats: ["png", "jpg"] });
  });

  test("accepts `never` as the grace period of deleted accounts", () => {
    expect(readConfig({ ACCOUNT_DELETION_GRACE_DAYS: " Never" }).accountDeletionGraceDays).toBeNull();
    expect(readConfig({ USERMESH_PROFILE: "notification" }).accountDeletionGraceDays).toBeNull();
    expect(problemsOf({ ACCOUNT_DELETION_GRACE_DAYS: "366" })).toEqual([
      "ACCOUNT_DELETION_GRACE_DAYS must be never or a whole number from 0 to 365, not 366.",
    ]);
  });

  test("has limits of single routes", () => {
    const env = { RATE_LIMIT_ROUTES: "POST /api/v1/auth/login=10/60; GET /api/v1/users/{id}=5/1" };
    expect(readConfig(env).rateLimits.routes).toEqual({
      "POST /api/v1/auth/login": { count: 10, seconds: 60 },
      "GET /api/v1/users/{id}": { count: 5, seconds: 1 },
    });
    for (const wrong of ["auth/login=10/60", "POST /login", "POST /login=10", "POST /login=0/60"])
      expect(problemsOf({ RATE_LIMIT_ROUTES: wrong })).toHaveLength(1);
  });

  test("ignores a comment behind a number, which `docker run --env-file` leaves there", () => {
    expect(readConfig({ MAX_CONTENT_LENGTH: "16777216  # 16MB" }).uploads.maxBytes).toBe(16_777_216);
    expect(problemsOf({ MAX_CONTENT_LENGTH: "16777216# 16MB" })).toHaveLength(1);
    expect(problemsOf({ ACCOUNT_DELETION_GRACE_DAYS: "30 # days", RATE_LIMIT_LOGIN: "10/60  # a minute" })).toEqual([]);
  });

  test("reports all invalid values, each by the name that was set and with what is expected", () => {
    const problems = problemsOf({
      APP_PORT: "99999",
      BCRYPT_COST: "two",
      NODE_ENV: "staging",
      REVOCATION: "never",
      LOG_PRETTY: "maybe",
      RATE_LIMIT_LOGIN: "5",
      PUBLIC_URL: "ftp://files.example",
      SERVICE_PERMISSIONS: "jobs",
    });
    expect(problems).toEqual([
      'NODE_ENV must be one of development, test, production, not "staging".',
      "APP_PORT must be a whole number from 0 to 65535, not 99999.",
      "PUBLIC_URL must be an http or https URL, without user, query and fragment.",
      'BCRYPT_COST must be a whole number from 4 to 15, not "two".',
      'RATE_LIMIT_LOGIN must be <count>/<seconds>, like 60/60, not "5".',
      'REVOCATION must be one of strict, bounded, not "never".',
      "SERVICE_PERMISSIONS has an entry that is not <service>=<permission> <permission>.",
      'LOG_PRETTY must be true or false, not "maybe".',
    ]);
  });

  test("reports a URL that is not valid once, and not as missing too", () => {
    expect(problemsOf({ ...production, DATABASE_URL: "nope" })).toEqual([
      "DATABASE_URL must be a URL like postgres://user:password@host:5432/database.",
    ]);
  });

  test("does not quote secrets that are not valid", () => {
    const problems = problemsOf({ SERVICE_CREDENTIALS: "jobs=too-short;push=too-short" });
    expect(problems).toEqual([
      "SERVICE_CREDENTIALS has an entry that is not <service>=<secret of at least 32 characters>.",
    ]);
  });

  test("warns about KAFKA_*, which has no effect", () => {
    expect(readConfig({ KAFKA_BOOTSTRAP_SERVERS: "kafka:9092" }).warnings.join()).toContain("JetStream");
  });

  test("USERMESH_PROFILE sets the defaults of an earlier system, which a variable overrides under any of its names", () => {
    const defaults = readConfig({ USERMESH_PROFILE: "notification" });
    expect(defaults).toMatchObject({ http: { port: 8000 }, auth: { accessTokenSeconds: 3_600 } });
    expect(defaults.database.poolSize).toBe(50);
    const set = readConfig({ USERMESH_PROFILE: "notification", PORT: "9000", JWT_EXPIRATION_HOURS: "2" });
    expect(set).toMatchObject({ http: { port: 9000 }, auth: { accessTokenSeconds: 7_200 } });
    expect(readConfig({ USERMESH_PROFILE: "rbac" }).log.file).toBe("logs/user_service.log");
    expect(problemsOf({ USERMESH_PROFILE: "other" })).toEqual([
      'USERMESH_PROFILE must be one of job-dashboard, meetinity, rbac, notification, not "other".',
    ]);
  });

  test("SECRET_KEY may differ from JWT_SECRET_KEY, which then has no effect", () => {
    const [ours, theirs] = ["k1:".padEnd(40, "s"), "t".repeat(40)];
    const config = readConfig({ SECRET_KEY: ours, JWT_SECRET_KEY: theirs });
    expect([config.secretKey, config.warnings.join()]).toEqual([ours, expect.stringContaining("has no effect")]);
  });

  test("warns about a misspelled variable, and about no other", () => {
    expect(readConfig({ APP_PROT: "3100", DATABSE_URL: "x", SMTP_HOSTS: "mail" }).warnings).toEqual([
      "APP_PROT is no variable of Usermesh and has no effect. Did you mean APP_PORT?",
      "DATABSE_URL is no variable of Usermesh and has no effect. Did you mean DATABASE_URL?",
      "SMTP_HOSTS is no variable of Usermesh and has no effect. Did you mean SMTP_HOST?",
    ]);
    const others = {
      PATH: "x",
      HOME: "x",
      PGPORT: "1",
      NODE_OPTIONS: "x",
      LANG: "C",
      USERS_SERVICE_PORT: "3",
      LOGNAME: "me",
    };
    expect(readConfig(others).warnings).toEqual([]);
  });

  test("requires https for PWNED_PASSWORDS_URL in production", () => {
    const over = (scheme: string) => ({ ...production, PWNED_PASSWORDS_URL: `${scheme}://breaches.example.com/range` });
    expect(problemsOf(over("https"))).toEqual([]);
    expect(problemsOf(over("http"))).toEqual(["PWNED_PASSWORDS_URL must be an https URL in production."]);
    expect(problemsOf({ ...over("http"), NODE_ENV: "development" })).toEqual([]);
  });

  test("has the credentials and permissions of external services by their names", () => {
    const config = readConfig({
      SERVICE_CREDENTIALS: `jobs=${"s".repeat(30)}==`,
      SERVICE_PERMISSIONS: "jobs=users:read users:validate; push=users:read",
    });
    expect(config.serviceCredentials).toEqual({ jobs: `${"s".repeat(30)}==` });
    expect(config.servicePermissions).toEqual({ jobs: ["users:read", "users:validate"], push: ["users:read"] });
  });

  test("requires a maximum staleness for bounded revocation, and has none for strict", () => {
    const bounded = { REVOCATION_MODE: "bounded", REVOCATION_MAX_STALENESS_SECONDS: "60" };
    expect(readConfig(bounded).revocation).toEqual({ maxStalenessSeconds: 60 });
    expect(readConfig({ ...bounded, REVOCATION_MODE: "strict" }).revocation).toEqual({ maxStalenessSeconds: 0 });
    expect(problemsOf({ REVOCATION_MODE: "bounded" })).toEqual([
      "REVOCATION_MAX_STALENESS_SECONDS must be set when REVOCATION_MODE is bounded.",
    ]);
  });

  test("adds DB_MAX_OVERFLOW to DB_POOL_SIZE", () => {
    expect(readConfig({ DB_POOL_SIZE: "10", DB_MAX_OVERFLOW: "20" }).database.poolSize).toBe(30);
  });
});

test("a variable that is set by its current name replaces the values of its other names", () => {
  const env = withVariables({ MAIL_PORT: "25", LOG_LEVEL: "warn" }, { SMTP_PORT: "2525" });
  expect(readConfig(env)).toMatchObject({ mail: { port: 2_525 }, log: { level: "warn" } });
});
