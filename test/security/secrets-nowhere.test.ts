import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createBrowserClient } from "../support/clients/browser-client.ts";
import { dumpDatabase } from "../support/data/database-dump.ts";
import { begin, comeBack } from "../support/data/oauth-flow.ts";
import { eventually } from "../support/eventually.ts";
import { type MaliciousProvider, startMaliciousProvider } from "../support/fakes/malicious-provider.ts";
import { linkToken, mailTo, newPerson, type Person, signIn } from "../support/flows/main-flow.ts";
import { startNode, type TestNode } from "../support/start/node.ts";

/** [V16.2, 16.3] Runs an account through its life at the most verbose log level, then searches for every secret it used. */
const serviceSecret = "service-secret-0123456789-0123456789";
const clientSecret = "client-secret-of-the-provider-01234";
const metricsToken = "metrics-token-0123456789-0123456789";
const secretKey = `k1:${"ring-secret-".repeat(4)}`;
const appUrl = "https://app.example.com/back";
const used = new Map<string, string>();
let node: TestNode;
let provider: MaliciousProvider;
let person: Person;

/** Remembers a secret for the search and returns it. */
function secret<T extends string>(what: string, value: T): T {
  if (value.length < 8) throw new Error(`${what} is too short to be searched for: ${value}`);
  used.set(what, value);
  return value;
}

beforeAll(async () => {
  provider = await startMaliciousProvider();
  node = await startNode({
    LOG_LEVEL: "trace",
    SECRET_KEY: secretKey,
    SERVICE_CREDENTIALS: `jobs=${serviceSecret}`,
    SERVICE_PERMISSIONS: "jobs=platform:introspect",
    OPERATOR_TOKEN: metricsToken,
    OAUTH_LIAR_ISSUER: provider.issuer,
    OAUTH_LIAR_CLIENT_ID: "usermesh",
    OAUTH_LIAR_CLIENT_SECRET: clientSecret,
    OAUTH_RETURN_URLS: appUrl,
  });
  await live();
});
afterAll(async () => {
  await node?.stop();
  await provider.stop();
});

async function live(): Promise<void> {
  configured();
  person = newPerson("secretive");
  secret("the first password", person.password);
  await eventually("the administrator", async () => (await signIn(node, node.admin)).access);
  await signUpAndIn();
  await mistakes();
  await changeAndReset();
  await changeAddress();
  await byProvider();
  await eventually("all events handled", async () => (await unpublished()) === "0");
}

function configured(): void {
  secret("the key of the ring", secretKey.slice(3));
  secret("a service's secret", serviceSecret);
  secret("a client's secret", clientSecret);
  secret("the metrics token", metricsToken);
  secret("the administrator's password", node.admin.password);
  for (const name of ["NATS_URL", "REDIS_URL"])
    secret(name, decodeURIComponent(new URL(node.env[name] ?? "").password));
}

function keepTokens(when: string, { access, refresh }: { access: string; refresh: string }): void {
  secret(`the access token ${when}`, access.split(".")[2] ?? "");
  secret(`the refresh token ${when}`, refresh.split(".").at(-1) ?? "");
}

async function signUpAndIn(): Promise<void> {
  const profile = { phone: secret("the phone number", `+49${Date.now()}`), date_of_birth: "1815-12-10" };
  const headers = { "idempotency-key": "key-of-a-registration", "x-request-id": "plain-1" };
  await node.api.request("POST", "auth/register", { body: { ...person }, headers });
  const token = linkToken(await mailTo(node, person.email, /verify-email/));
  secret("the verification link", token.split(".")[3] ?? "");
  await node.api.get(`auth/verify-email?token=${token}`);
  expect((await node.api.post("auth/verify-email", { token, password: person.password })).status).toBe(200);
  const first = await signIn(node, person);
  keepTokens("of the first sign-in", first);
  expect((await node.api.put("users/me/profile", profile, first.access)).status).toBe(200);
  const next = await node.api.post("auth/refresh", { refresh_token: first.refresh });
  keepTokens("after a refresh", { access: next.body.data.access_token, refresh: next.body.data.refresh_token });
  const browser = createBrowserClient(node.api);
  await browser.request("POST", "auth/login", { body: { ...person, use_cookies: true } });
  // The id of the tenant is no secret: it is in every row.
  for (const [name, value] of browser.cookies)
    if (name !== "tenant") secret(`the cookie ${name}`, value.split(".").at(-1) ?? "");
  await browser.own("PATCH", "users/me", { bio: "by cookie" });
  const basic = `Basic ${Buffer.from(`jobs:${serviceSecret}`).toString("base64")}`;
  secret("a service's header", basic.slice(6));
  await node.api.request("POST", "auth/introspect", {
    body: { token: first.access },
    headers: { authorization: basic },
  });
  await fetch(`${node.api.url}/metrics`, {
    headers: { authorization: `Bearer ${metricsToken}`, "x-forwarded-for": "1.1.1.1" },
  });
}

/** Sends secrets in the wrong places: paths, queries, headers, malformed bodies. */
async function mistakes(): Promise<void> {
  const misplaced = secret("a password at the wrong place", "Misplaced-horse-3-staple");
  const { access } = await signIn(node, person);
  keepTokens("at the wrong places", { access, refresh: `x.${access.split(".")[2]}` });
  await fetch(`${node.api.url}/api/v1/users/me?access_token=${access}&password=${misplaced}`);
  await fetch(`${node.api.url}/api/v1/auth/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: `{"password":"${misplaced}"`,
  });
  await node.api.post("auth/login", { email: person.email, password: misplaced });
  await node.api.post("auth/register", { email: person.email, password: misplaced });
  await node.api.post("auth/register", { email: "not an address", password: misplaced, [misplaced]: 1 });
  await node.api.request("GET", "users/me", {
    headers: {
      authorization: `Bearer ${access}x`,
      "user-agent": `app ${misplaced}`,
    },
  });
  await node.api.post("auth/refresh", { refresh_token: misplaced });
  await node.api.post("auth/verify-email", { token: misplaced });
}

async function changeAndReset(): Promise<void> {
  const { access } = await signIn(node, person);
  const changed = secret("the changed password", "Changed-horse-4-staple");
  const body = { current_password: person.password, new_password: changed };
  const keyed = { body, token: access, headers: { "idempotency-key": "key-of-a-change" } };
  expect((await node.api.request("POST", "auth/change-password", keyed)).status).toBe(200);
  await node.api.post("auth/password-reset-request", { email: person.email });
  const token = linkToken(await mailTo(node, person.email, /reset-password/));
  secret("the reset link", token.split(".")[3] ?? "");
  const reset = secret("the password after the reset", "Reset-horse-5-staple");
  // The compatibility path contains the token.
  const done = await node.api.post(`/api/reset-password/${token}`, { password: reset });
  expect(done.status).toBe(200);
  await node.api.post(`/api/reset-password/${token}`, { password: reset });
  person = { ...person, password: reset };
}

async function changeAddress(): Promise<void> {
  const { access } = await signIn(node, person);
  const { email } = newPerson("next");
  await node.api.patch("users/me", { email, current_password: person.password }, access);
  const token = linkToken(await mailTo(node, email, /verify-email/));
  secret("the link to the new address", token.split(".")[3] ?? "");
  expect((await node.api.post("auth/verify-email", { token, password: person.password })).status).toBe(200);
}

async function byProvider(): Promise<void> {
  const way = await begin(node.api, "liar", `?return_to=${encodeURIComponent(appUrl)}`);
  const asked = new URL(way.authorizeUrl).searchParams;
  secret("the state", way.state);
  secret("the nonce", asked.get("nonce") ?? "");
  secret("the browser's cookie", way.cookie?.split("=")[1] ?? "");
  const email = newPerson("provided").email;
  const code = secret(
    "the provider's code",
    provider.issue(way.authorizeUrl, { sub: email, email, email_verified: true }),
  );
  const back = await comeBack(node.api, way, { code });
  secret("the verifier", provider.verifiers.at(-1) ?? "");
  const ours = secret("our one-time code", new URL(back.headers.get("location") ?? "").searchParams.get("code") ?? "");
  const headers = { cookie: way.cookie ?? "" };
  const answer = await node.api.request("POST", "auth/oauth/exchange", { body: { code: ours }, headers });
  keepTokens("by a provider", { access: answer.body.data.access_token, refresh: answer.body.data.refresh_token });
}

async function unpublished(): Promise<string> {
  const schemas = ["users", "auth", "sessions", "preferences", "mail", "webhooks"];
  const sql = schemas.map((schema) => `SELECT FROM ${schema}.outbox WHERE published_at IS NULL`).join(" UNION ALL ");
  const [row] = await node.database.query<{ n: string }>(`SELECT count(*) AS n FROM (${sql}) AS found`);
  return row?.n ?? "";
}

/** Verbatim, URL-encoded and JSON-encoded. */
function foundIn(text: string): string[] {
  return [...used].flatMap(([what, value]) =>
    [value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1)].some((form) => text.includes(form))
      ? [what]
      : [],
  );
}

describe("no secret appears", () => {
  test("undetected: the search finds the links in mails", () => {
    const mails = node
      .mails()
      .map(({ text }) => text)
      .join("\n");
    expect(foundIn(mails).toSorted()).toEqual([
      "the link to the new address",
      "the reset link",
      "the verification link",
    ]);
    expect(used.size).toBeGreaterThan(25);
  });

  test("in a log line, nor does an email address", () => {
    const output = node.output();
    expect(output).toMatch(/"level":"trace"/);
    expect(output).toContain("/api/v1/users/me");
    expect(foundIn(output)).toEqual([]);
    expect(output).not.toContain(person.email);
  });

  test("in the database: accounts, outbox, idempotency, activity", async () => {
    const stored = await dumpDatabase(node.database);
    expect(stored).toContain(person.email.replace(/^.*@/, "@"));
    expect(foundIn(stored)).toEqual([]);
  });

  test("in an event", async () => {
    const events = await node.events();
    expect(events).toContain("password.changed");
    expect(foundIn(events)).toEqual([]);
  });

  test("in a job, a cache or a counter", async () => {
    const redis = await node.redis();
    expect(redis).toContain("reset_password");
    expect(foundIn(redis)).toEqual([]);
  });
});
