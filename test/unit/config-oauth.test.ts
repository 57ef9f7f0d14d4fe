import { describe, expect, test } from "@jest/globals";
import { ConfigError, type Environment, readConfig } from "../../lib/config/config.ts";

const google = { OAUTH_GOOGLE_CLIENT_ID: "id", OAUTH_GOOGLE_CLIENT_SECRET: "secret" };

function problemsOf(env: Environment): readonly string[] {
  try {
    readConfig(env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

describe("OAuth providers in the environment", () => {
  test("Google and LinkedIn need no issuer, and LinkedIn sends no nonce", () => {
    const { providers } = readConfig({ ...google, OAUTH_LINKEDIN_CLIENT_ID: "id" }).oauth;
    expect(providers).toMatchObject([
      { name: "google", issuer: "https://accounts.google.com", nonce: true, scopes: "openid email profile" },
      { name: "linkedin", issuer: "https://www.linkedin.com/oauth", nonce: false, clientSecret: undefined },
    ]);
    expect(providers[0]?.redirectUri).toBe("http://localhost:3000/api/v1/auth/oauth/google/callback");
  });

  test("any other provider is named by its variables", () => {
    const env = {
      OAUTH_OUR_SSO_CLIENT_ID: "id",
      OAUTH_OUR_SSO_ISSUER: "https://sso.example/realm/",
      OAUTH_OUR_SSO_NONCE: "false",
    };
    expect(readConfig(env).oauth.providers).toMatchObject([
      { name: "our-sso", issuer: "https://sso.example/realm", discovery: "https://sso.example/realm/", nonce: false },
    ]);
  });

  test.each([
    [{ OAUTH_GOOGLE_CLIENT_SECRET: "secret" }, "OAUTH_GOOGLE_CLIENT_ID"],
    [{ OAUTH_SSO_CLIENT_ID: "id" }, "OAUTH_SSO_ISSUER"],
    [{ ...google, OAUTH_GOOGLE_CLIENTID: "id" }, "OAUTH_GOOGLE_CLIENTID"],
    [{ ...google, OAUTH_GOOGLE_SCOPES: "email" }, "OAUTH_GOOGLE_SCOPES"],
    [{ ...google, OAUTH_GOOGLE_NONCE: "maybe" }, "OAUTH_GOOGLE_NONCE"],
    [{ OAUTH_EXCHANGE_CLIENT_ID: "id", OAUTH_EXCHANGE_ISSUER: "https://sso.example" }, "exchange"],
    [{ ...google, OAUTH_GOOGLE_RESPONSE_MODE: "fragment" }, "OAUTH_GOOGLE_RESPONSE_MODE"],
    [{ ...google, OAUTH_GOOGLE_TENANTS: "contoso.com" }, "OAUTH_GOOGLE_TENANTS"],
    [{ ...google, OAUTH_GOOGLE_TENANTS: "*", OAUTH_GOOGLE_TRUST_EMAIL: "true" }, "OAUTH_GOOGLE_TRUST_EMAIL"],
    [{ ...google, OAUTH_G2_CLIENT_ID: "id", OAUTH_G2_ISSUER: "https://accounts.google.com/" }, "google, g2"],
  ])("%j is rejected, naming %s", (env, name) => {
    expect(problemsOf(env)).toHaveLength(1);
    expect(problemsOf(env)[0]).toContain(name);
  });

  test("an http issuer is accepted in development only", () => {
    const env = { OAUTH_SSO_CLIENT_ID: "id", OAUTH_SSO_ISSUER: "http://127.0.0.1:1" };
    expect(problemsOf(env)).toEqual([]);
    expect(problemsOf({ ...env, NODE_ENV: "production" }).join()).toContain("OAUTH_SSO_ISSUER must be a URL, https");
  });
});

describe("OAUTH_RETURN_URLS", () => {
  test.each([
    "https://app.example.com/signed-in",
    "https://app.example.com/signed-in?tenant=1, https://other.example",
    "http://localhost:5173/cb",
    "http://127.0.0.1/cb",
    "http://[::1]:8080/cb",
    "com.example.app:/cb",
    "com.example.app://cb",
  ])("accepts %s", (urls) => expect(problemsOf({ OAUTH_RETURN_URLS: urls })).toEqual([]));

  test.each([
    "not a url",
    "/cb",
    "//app.example.com/cb",
    "app.example.com/cb",
    "javascript:alert(1)",
    "java.script",
    "data:text/html",
    "blob:https://app.example.com/x",
    "vbscript:x",
    "file:///etc/passwd",
    "myapp:/cb",
    "http://app.example.com/cb",
    "http://localhost.evil.example/cb",
    "http://127.0.0.1@evil.example/cb",
    "http://0.0.0.0/cb",
    "https://user:secret@app.example.com/cb",
    "https://app.example.com/cb#x",
    "https://app.example.com/cb#",
    "com.example.app:/cb#x",
    "https://*.example.com/cb",
    "https://app.example.com/*",
    "https:app.example.com/cb",
    "https:///app.example.com/cb",
    "https:\\\\app.example.com\\cb",
    "https://app.example.com/a b",
    "https://",
  ])("rejects %s at the start, also among valid ones, and names it", (url) => {
    for (const env of [{ OAUTH_RETURN_URLS: url }, { OAUTH_RETURN_URLS: `https://app.example.com/ok,${url}` }]) {
      const problems = problemsOf(env);
      expect(problems).toHaveLength(1);
      expect(problems[0]).toContain("OAUTH_RETURN_URLS");
      expect(problems[0]).toContain(JSON.stringify(url.split(",")[0]));
    }
  });
});
