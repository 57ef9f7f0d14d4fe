import { describe, expect, test } from "@jest/globals";
import { ConfigError, type Environment, readConfig } from "../../lib/config/config.ts";

function problemsOf(env: Environment): readonly string[] {
  try {
    readConfig(env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

/** The setting is an error, one that names it. */
function expectRefused(name: string, value: string): void {
  const problems = problemsOf({ [name]: value });
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatch(new RegExp(`^${name} `));
}

describe("PUBLIC_URL", () => {
  test.each([
    "HTTPS://Auth.Example.com",
    " https://auth.example.com",
    "https://auth.example.com/",
    "https://auth.example.com:443//",
    "https://AUTH.example.com\n",
  ])("%j is the same as the plain spelling, so that cookies are Secure", (value) => {
    expect(readConfig({ PUBLIC_URL: value }).http.publicUrl).toBe("https://auth.example.com");
  });

  test("keeps a path and its case", () => {
    expect(readConfig({ PUBLIC_URL: "https://Example.com/Auth/" }).http.publicUrl).toBe("https://example.com/Auth");
  });

  test.each([
    "localhost:3000",
    "ftp://x",
    "javascript:alert(1)",
    "https://a?x=1",
    "https://a?",
    "https://a#b",
    "https://a,https://b",
    "https://a, https://b",
    "https://me:pw@a",
    "https:a",
    "https:\\\\a",
    "https:///",
    "https://a b",
    "https://*.example.com",
  ])("%j is an error", (value) => expectRefused("PUBLIC_URL", value));
});

describe("ALLOWED_ORIGINS", () => {
  test.each([
    ["https://app.example.com/", ["https://app.example.com"]],
    ["HTTPS://App.example.com", ["https://app.example.com"]],
    ["https://a.com:443, http://b.com:80", ["https://a.com", "http://b.com"]],
    ["http://localhost:5173", ["http://localhost:5173"]],
    ["https://b\u00fccher.example", ["https://xn--bcher-kva.example"]],
    ["capacitor://localhost,chrome-extension://ABC", ["capacitor://localhost", "chrome-extension://abc"]],
    ["*", ["*"]],
  ])("%j is what browsers send", (value, origins) => {
    expect(readConfig({ ALLOWED_ORIGINS: value }).http.allowedOrigins).toEqual(origins);
  });

  test.each([
    "a.com",
    "https://*.example.com",
    "https://a.com/path",
    "https://a.com?x",
    "https://me@a.com",
    "null",
    "file://x",
    "https://a.com https://b.com",
    "https://a.com;https://b.com",
    "localhost:5173",
    "https://",
  ])("%j can never match and is an error", (value) => expectRefused("ALLOWED_ORIGINS", value));
});

describe("hosts", () => {
  test.each([
    ["SMTP.Example.com", "smtp.example.com"],
    [" smtp.example.com ", "smtp.example.com"],
    ["[::1]", "::1"],
    ["::1", "::1"],
    ["mail_pit", "mail_pit"],
  ])("SMTP_HOST=%j", (value, host) => {
    expect(readConfig({ SMTP_HOST: value }).mail.host).toBe(host);
  });

  test.each(["smtp.example.com:587", "smtp://smtp.example.com", "a,b", "a b", "-a", "a/", "me@a"])(
    "%j is no host",
    (value) => {
      for (const name of ["SMTP_HOST", "APP_HOST", "NODE_HEALTH_HOST"]) expectRefused(name, value);
    },
  );
});

describe("NATS_URL and REDIS_URL", () => {
  test("are trimmed, and NATS may have several servers", () => {
    const env = { NATS_URL: " nats://u:p@a:4222 , nats://b ", REDIS_URL: " REDISS://:p@r:6379/1 " };
    const { nats, redis } = readConfig(env);
    expect([nats.url, redis.url]).toEqual(["nats://u:p@a:4222,nats://b", "rediss://:p@r:6379/1"]);
  });

  test.each(["localhost:4222", "http://a", "nats://a,tls://b", "nats://u:p@a,nats://v:p@b", "nats://", "nats://a b"])(
    "NATS_URL=%j is an error",
    (value) => expectRefused("NATS_URL", value),
  );

  test.each(["localhost:6379", "redis://a,redis://b", "http://a", "redis://a?tls=true", "redis://a/db", "redis://"])(
    "REDIS_URL=%j is an error",
    (value) => expectRefused("REDIS_URL", value),
  );
});

describe("other values", () => {
  test.each([
    ["TRUE", true],
    [" 1 ", true],
    ["yes", true],
    ["On", true],
    ["no", false],
    ["OFF\n", false],
  ])("REQUIRE_VERIFIED_EMAIL=%j", (value, expected) => {
    expect(readConfig({ REQUIRE_VERIFIED_EMAIL: value }).auth.requireVerifiedEmail).toBe(expected);
  });

  test("numbers, choices and rates may have blanks around them", () => {
    const config = readConfig({ APP_PORT: " 8080 ", LOG_LEVEL: " WARN\n", RATE_LIMIT_LOGIN: " 5/60 " });
    expect([config.http.port, config.log.level, config.rateLimits.login.count]).toEqual([8080, "warn", 5]);
  });

  test("a token for a header loses a line break, which no header has", () => {
    expect(readConfig({ OPERATOR_TOKEN: "t\n" }).operatorToken).toBe("t");
  });

  test.each([
    ["ADMIN_EMAIL", "admin"],
    ["ADMIN_PASSWORD", "Secret-1\n"],
    ["OPERATOR_TOKEN", "t\u00f6ken"],
    ["MAIL_FROM", "no-reply"],
    ["MAIL_FROM", "Usermesh <no-reply>"],
    ["MAIL_FROM", "a@example.com, b@example.com"],
    ["AVATAR_FORMATS", "bmp"],
    ["AVATAR_FORMATS", ","],
    ["OAUTH_RETURN_URLS", "app.example.com/callback"],
    ["OAUTH_RETURN_URLS", "https://app.example.com/*"],
    ["PASSWORD_RESET_URL", "app.example.com"],
  ])("%s=%j can never work and is an error", expectRefused);

  test.each(["Foo, Inc. <no-reply@example.com>", "no-reply@example.com", "Usermesh <no-reply@localhost>"])(
    "MAIL_FROM=%j",
    (value) => {
      expect(readConfig({ MAIL_FROM: value }).mail.from).toBe(value);
    },
  );

  test.each([
    [{ SMTP_USERNAME: "me" }, "SMTP_PASSWORD"],
    [{ SMTP_PASSWORD: "pw" }, "SMTP_USERNAME"],
    [{ SMTP_PORT: "465", SMTP_TLS: "off" }, "SMTP_TLS"],
    [{ COOKIE_SAME_SITE: "none" }, "COOKIE_SAME_SITE"],
    [{ COOKIE_SAME_SITE: "none", PUBLIC_URL: "http://auth.example.com" }, "COOKIE_SAME_SITE"],
  ])("%j contradicts itself", (env, name) => {
    const problems = problemsOf(env);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(name);
  });
});
