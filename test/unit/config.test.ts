import { describe, expect, test } from "@jest/globals";
import { ConfigError, type Environment, readConfig } from "../../lib/config/config.ts";

const secret = "k1:0123456789abcdef0123456789abcdef";
const production: Environment = {
  NODE_ENV: "production",
  DATABASE_URL: "postgres://u:p@db/usermesh",
  NATS_URL: "nats://u:p@nats:4222",
  REDIS_URL: "redis://:p@redis:6379",
  MAIL_SERVER: "smtp.example.com",
  SECRET_KEY: secret,
};

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
  test("an empty environment is a complete development configuration", () => {
    const config = readConfig({});
    expect(config.http).toMatchObject({ port: 3000, publicUrl: "http://localhost:3000", trustProxy: 0 });
    expect(config.auth).toMatchObject({
      accessTokenSeconds: 1_800,
      refreshIdleSeconds: 604_800,
      refreshGraceSeconds: 30,
    });
    expect(config.database.url).toBeUndefined();
  });

  test.each(["DATABASE_URL", "NATS_URL", "REDIS_URL", "MAIL_SERVER", "SECRET_KEY"])(
    "production without %s is refused by that name",
    (name) => {
      expect(problemsOf({ ...production, [name]: undefined })).toEqual([
        `${name} must be set when NODE_ENV is production.`,
      ]);
    },
  );

  test("a complete production environment is accepted", () => {
    expect(problemsOf(production)).toEqual([]);
  });

  test("two names of one thing that differ are refused, naming both", () => {
    const problems = problemsOf({ ALLOWED_ORIGINS: "https://a.example", CORS_ORIGINS: "https://b.example" });
    expect(problems).toEqual(["ALLOWED_ORIGINS and CORS_ORIGINS mean the same thing and differ. Set one of them."]);
  });

  test("the other systems' names are accepted beside ours", () => {
    const config = readConfig({ JWT_EXPIRATION_HOURS: "2", JWT_REFRESH_EXPIRATION_DAYS: "14", JWT_SECRET: secret });
    expect(config.auth).toMatchObject({ accessTokenSeconds: 7_200, refreshIdleSeconds: 14 * 86_400 });
    expect(config.secretKey).toBe(secret);
    expect(config.warnings.join()).toContain("JWT_SECRET_KEY is taken as SECRET_KEY");
  });

  test("every wrong value is told at once, by name", () => {
    const problems = problemsOf({ APP_PORT: "99999", BCRYPT_COST: "two", NODE_ENV: "staging", REVOCATION: "never" });
    expect(problems.map((line) => line.split(" ")[0])).toEqual(["NODE_ENV", "APP_PORT", "BCRYPT_COST", "REVOCATION"]);
  });

  test("KAFKA_* set is a word to the operator, not an error", () => {
    expect(readConfig({ KAFKA_BOOTSTRAP_SERVERS: "kafka:9092" }).warnings.join()).toContain("JetStream");
  });

  test("in production the list of breached passwords is asked over https alone", () => {
    const over = (scheme: string) => ({
      ...production,
      BREACHED_PASSWORDS_URL: `${scheme}://breaches.example.com/range`,
    });
    expect(problemsOf(over("https"))).toEqual([]);
    expect(problemsOf(over("http"))).toEqual(["BREACHED_PASSWORDS_URL must be a URL, https in production."]);
    expect(problemsOf({ ...over("http"), NODE_ENV: "development" })).toEqual([]);
  });

  test("what foreign services may do is read by name", () => {
    const config = readConfig({ SERVICE_PERMISSIONS: "jobs=users:read users:validate; push=users:read" });
    expect(config.servicePermissions).toEqual({ jobs: ["users:read", "users:validate"], push: ["users:read"] });
  });

  test("a bounded revocation says its seconds", () => {
    expect(readConfig({ REVOCATION: "bounded:60" }).revocation).toEqual({ kind: "bounded", seconds: 60 });
  });
});
