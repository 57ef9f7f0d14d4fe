import { randomBytes } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import { ConfigError, type Environment, readConfig } from "../../lib/config/config.ts";
import { entropyBits } from "../../lib/config/secret-strength.ts";
import { production } from "../support/data/production.ts";

const random = () => randomBytes(24).toString("base64url");

/** Weak settings by the variable that the error must name. */
const weaknesses: ReadonlyArray<readonly [name: string, weak: Environment]> = [
  ["PUBLIC_URL", { PUBLIC_URL: undefined }],
  ["PUBLIC_URL", { PUBLIC_URL: "http://accounts.example.com" }],
  ["PUBLIC_URL", { PUBLIC_URL: "HTTP://localhost:3000" }],
  ["PASSWORD_RESET_URL", { PASSWORD_RESET_URL: "http://app.example.com/reset" }],
  ["PASSWORD_RESET_URL", { RESET_URL: "http://app.example.com/reset" }],
  ["EMAIL_VERIFICATION_URL", { EMAIL_VERIFICATION_URL: "http://app.example.com/verify" }],
  ["EMAIL_VERIFICATION_URL", { VERIFY_URL: "http://app.example.com/verify" }],
  ["ALLOWED_ORIGINS", { ALLOWED_ORIGINS: "https://app.example.com,http://app.example.com" }],
  ["OAUTH_LAB_REDIRECT_URI", lab({ OAUTH_LAB_REDIRECT_URI: "http://accounts.example.com/cb" })],
  ["OAUTH_LAB_CLIENT_SECRET", lab({ OAUTH_LAB_CLIENT_SECRET: "change-me" })],
  ["PUSH_URL", { PUSH_URL: "http://push:8080/pushes" }],
  ["SECRET_KEY", { SECRET_KEY: "k1:change-me-change-me-change-me-change-me" }],
  ["SECRET_KEY", { SECRET_KEY: "a".repeat(32) }],
  ["SECRET_KEY", { SECRET_KEY: "k1:0123456789abcdef0123456789abcdef" }],
  ["SECRET_KEY", { SECRET_KEY: `k1:${"Kx9!".repeat(10)}` }],
  ["SECRET_KEY", { SECRET_KEY: "k1:Sommer2024!Sommer2024!Sommer2024!" }],
  ["SECRET_KEY", { SECRET_KEY: `k2:${random()},k1:${"ab".repeat(20)}` }],
  ["SECRET_KEY", { SECRET_KEY: undefined, JWT_SECRET: "super-secret-jwt-key-change-me-now" }],
  ["SERVICE_CREDENTIALS", { SERVICE_CREDENTIALS: `jobs=${"s".repeat(32)}` }],
  ["SERVICE_CREDENTIALS", { SERVICE_CREDENTIALS: `jobs=${production.SECRET_KEY.slice(3)}` }],
  ["OPERATOR_TOKEN", { OPERATOR_TOKEN: "x" }],
  ["OPERATOR_TOKEN", { METRICS_TOKEN: "change-me" }],
  ["OPERATOR_TOKEN", { OPERATOR_TOKEN: "abcdefghijklmnopqrstuvwxyz" }],
  ["PUSH_SECRET", { PUSH_SECRET: "push-secret" }],
  ["SMTP_PASSWORD", { SMTP_USERNAME: "me", SMTP_PASSWORD: "your-password" }],
  ["ADMIN_PASSWORD", { ADMIN_PASSWORD: "a" }],
  ["ADMIN_PASSWORD", { ADMIN_PASSWORD: "Change-me-1" }],
  ["ADMIN_PASSWORD", { ADMIN_PASSWORD: "Password123!" }],
  ["ADMIN_PASSWORD", { ADMIN_PASSWORD: "Summer2024!!" }],
  ["ADMIN_EMAIL", { ADMIN_EMAIL: undefined }],
  ["ADMIN_EMAIL", { ADMIN_EMAIL: "Admin@Example.com" }],
  ["PASSWORD_HASH_COST", { BCRYPT_COST: "4" }],
  ["RATE_LIMIT_ENABLED", { RATE_LIMIT_ENABLED: "false" }],
  ["RATE_LIMIT_LOGIN", { RATE_LIMIT_LOGIN: "9999999/1" }],
  ["RATE_LIMIT_ROUTES", { RATE_LIMIT_ROUTES: "POST /api/v1/auth/login=9999/1" }],
  ["REVOCATION_MAX_STALENESS_SECONDS", { REVOCATION: "bounded:99999" }],
  ["OAUTH_PICTURES", { OAUTH_PICTURES: "any" }],
  ["DEV_MAILBOX_URL", { DEV_MAILBOX_URL: "http://127.0.0.1:8025" }],
  ["NODE_TLS_REJECT_UNAUTHORIZED", { NODE_TLS_REJECT_UNAUTHORIZED: "0" }],
  ["NODE_OPTIONS", { NODE_OPTIONS: "--max-old-space-size=200 --inspect=0.0.0.0" }],
  ["DB_SSL", { DB_SSL: "off" }],
  ["DB_SSL", { DB_SSL: "require" }],
  ["DATABASE_URL", { DATABASE_URL: "postgres://usermesh:usermesh-postgres@127.0.0.1/usermesh" }],
  ["NATS_URL", { NATS_URL: `nats://${random()}@nats.internal:4222` }],
  ["NATS_URL", { NATS_URL: "tls://nats.internal:4222" }],
  ["NATS_URL", { NATS_URL: "nats://127.0.0.1:4222" }],
  ["NATS_URL", { NATS_URL: `nats://u:${random()}@10.0.0.5:4222` }],
  ["REDIS_URL", { REDIS_URL: `redis://:${random()}@redis.internal:6379` }],
  ["REDIS_URL", { REDIS_URL: "rediss://redis.internal:6379" }],
  ["REDIS_URL", { REDIS_URL: "redis://:redis@localhost:6379" }],
  ["SMTP_TLS", { SMTP_TLS: undefined }],
];

function lab(more: Environment): Environment {
  return { OAUTH_LAB_CLIENT_ID: "id", OAUTH_LAB_ISSUER: "https://sso.example.com", ...more };
}

function problemsOf(env: Environment): readonly string[] {
  try {
    readConfig(env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

describe("production does not start with anything", () => {
  test.each(weaknesses)("%s is refused as in %j, by name", (name, weak) => {
    const problems = problemsOf({ ...production, ...weak });
    expect(problems).toEqual([expect.stringContaining(`${name} `)]);
    for (const value of Object.values(weak))
      if ((value ?? "").length > 20) expect(problems.join()).not.toContain(value);
  });

  test.each(weaknesses)("%s as in %j is accepted by ALLOW_INSECURE alone, and then logged", (name, weak) => {
    const config = readConfig({ ...production, ...weak, ALLOW_INSECURE: name });
    expect(config.warnings).toContainEqual(expect.stringContaining(`ALLOW_INSECURE: ${name} `));
    expect(problemsOf({ ...production, ...weak, ALLOW_INSECURE: "APP_PORT" })).toHaveLength(1);
  });

  test("all weaknesses are reported at once", () => {
    const weak = { PUBLIC_URL: undefined, DB_SSL: "off", BCRYPT_COST: "4", OPERATOR_TOKEN: "x", ADMIN_PASSWORD: "a" };
    const names = problemsOf({ ...production, ...weak }).map((line) => line.split(" ")[0]);
    expect(names.sort()).toEqual(["ADMIN_PASSWORD", "DB_SSL", "OPERATOR_TOKEN", "PASSWORD_HASH_COST", "PUBLIC_URL"]);
  });

  test("a name in ALLOW_INSECURE that is no variable is an error, and a former name is not", () => {
    expect(problemsOf({ ...production, ALLOW_INSECURE: "PUBLIC_ULR" }).join()).toContain("PUBLIC_ULR");
    expect(problemsOf({ ...production, BCRYPT_COST: "4", ALLOW_INSECURE: "BCRYPT_COST" })).toEqual([]);
  });

  test("development accepts all of them", () => {
    for (const [, weak] of weaknesses)
      expect(problemsOf({ ...production, ...weak, NODE_ENV: "development" })).toEqual([]);
  });
});

describe("safe settings are accepted in production", () => {
  const local = {
    DATABASE_URL: `postgres://usermesh:${random()}@127.0.0.1/usermesh`,
    DB_SSL: "off",
    NATS_URL: `nats://usermesh:${random()}@[::1]:4222`,
    REDIS_URL: `redis://:${random()}@localhost:6379`,
    SMTP_HOST: "localhost",
    SMTP_TLS: "auto",
  };
  const accepted: readonly Environment[] = [
    {},
    local,
    { DATABASE_URL: `postgres:///usermesh?host=/run/postgresql&user=usermesh&password=${random()}`, DB_SSL: "off" },
    { NATS_URL: `tls://${random()}@nats.internal:4222` },
    { SMTP_TLS: "auto", SMTP_PORT: "465" },
    { ALLOWED_ORIGINS: "https://app.example.com,http://localhost:5173" },
    { SERVICE_CREDENTIALS: `jobs=${random()};push=${random()}` },
  ];
  test.each(accepted)("%#", (env) => {
    expect(problemsOf({ ...production, ...env })).toEqual([]);
  });

  test("a random secret of any usual form has the entropy that is asked for", () => {
    const forms = [
      () => randomBytes(16).toString("hex"),
      () => randomBytes(32).toString("hex"),
      () => randomBytes(32).toString("base64"),
      () => randomBytes(24).toString("base64url"),
    ];
    for (const form of forms)
      for (let round = 0; round < 2_000; round += 1) expect(entropyBits(form())).toBeGreaterThan(75);
  });
});
