import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { eventually } from "../../support/eventually.ts";
import { type RunningServices, startServices } from "../../support/start/services.ts";

let running: RunningServices;
let access: string;
const email = "order@example.com";
const password = "In-the-right-order-1";
const api = (path: string) => `${running.url}/api/v1/${path}`;
const json = { "content-type": "application/json" };

beforeAll(async () => {
  running = await startServices("all");
  await eventually("readiness", async () => (await fetch(`${running.url}/health/ready`)).ok);
  await send("POST", "auth/register", { email, password });
  access = (await send("POST", "auth/login", { email, password })).body.data.access_token;
});
afterAll(() => running.stop());

async function answerOf(response: Response) {
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: text.startsWith("{") ? JSON.parse(text) : null,
  };
}

async function send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const init =
    body === undefined
      ? { method, headers }
      : { method, headers: { ...json, ...headers }, body: typeof body === "string" ? body : JSON.stringify(body) };
  return answerOf(await fetch(api(path), init));
}

const signedIn = () => ({ authorization: `Bearer ${access}` });
const codeOf = async (answer: ReturnType<typeof send>) => {
  const { status, body } = await answer;
  return [status, body?.code];
};

describe("order of the checks", () => {
  test("an unknown path is 404, whatever else is wrong", async () => {
    expect(await codeOf(send("POST", "auth/nothing", "{", { "content-type": "text/plain" }))).toEqual([
      404,
      "not_found",
    ]);
  });

  test("a wrong method is 405 with the allowed ones, before authentication", async () => {
    const answer = await send("DELETE", "users/me/profile");
    expect([answer.status, answer.body.code, answer.headers.get("allow")]).toEqual([
      405,
      "method_not_allowed",
      "GET, PUT, PATCH, HEAD, OPTIONS",
    ]);
  });

  test("a missing token is 401, before the body is read", async () => {
    const answer = await send("PATCH", "users/me", "{", { "content-type": "text/plain" });
    expect([answer.status, answer.body.code, answer.headers.get("www-authenticate")]).toEqual([
      401,
      "token_missing",
      'Bearer realm="usermesh"',
    ]);
  });

  test("a missing permission is 403, before the body is read", async () => {
    const path = "admin/users/0198f7a2-6a3c-7cc1-a2f4-3b1c9d0e5f60/status";
    expect(await codeOf(send("PUT", path, "{", { ...signedIn(), "content-type": "text/plain" }))).toEqual([
      403,
      "forbidden",
    ]);
  });

  test("a wrong content type is 415, before the size is checked", async () => {
    expect(await codeOf(send("POST", "auth/login", "x".repeat(70_000), { "content-type": "text/plain" }))).toEqual([
      415,
      "unsupported_media_type",
    ]);
  });

  test("a large body is 413, before it is parsed", async () => {
    expect(await codeOf(send("POST", "auth/login", "{".repeat(70_000)))).toEqual([413, "payload_too_large"]);
  });

  test("bad JSON is 400, invalid fields are 422", async () => {
    expect(await codeOf(send("POST", "auth/login", "{"))).toEqual([400, "invalid_json"]);
    expect(await codeOf(send("POST", "auth/login", {}))).toEqual([422, "validation_failed"]);
    expect(await codeOf(send("POST", "auth/login"))).toEqual([422, "validation_failed"]);
  });
});

test("a request is refused if its session ends while the body is being sent", async () => {
  const { body } = await send("POST", "auth/login", { email, password });
  const token: string = body.data.access_token;
  const late = new TransformStream<Uint8Array, Uint8Array>();
  const writer = late.writable.getWriter();
  const headers = { ...json, authorization: `Bearer ${token}` };
  const init = { method: "PATCH", headers, body: late.readable, duplex: "half" } as RequestInit;
  const answer = fetch(api("users/me"), init).then(answerOf);
  await writer.write(Buffer.from('{"company":'));
  await eventually("both the request and this poll in flight", async () =>
    (await (await fetch(`${running.url}/metrics`)).text()).includes("usermesh_http_requests_in_flight 2"),
  );
  expect((await send("POST", "auth/logout", undefined, { authorization: `Bearer ${token}` })).status).toBe(200);
  await writer.write(Buffer.from('"Late"}'));
  await writer.close();
  expect(await answer).toBeProblem(401, "session_ended");
  expect((await send("GET", "users/me", undefined, signedIn())).body.data.company).toBeNull();
});

describe("input", () => {
  test.each(["roles", "tenant_id", "is_verified", "constructor", "__proto__"])(
    "a registration refuses the field %s",
    async (field) => {
      const text = `{"email":"x@example.com","password":"${password}","${field}":true}`;
      const { status, body } = await send("POST", "auth/register", text);
      expect([status, body.errors]).toEqual([422, [expect.objectContaining({ field, code: "unknown_field" })]]);
    },
  );

  test("query parameters never replace body fields", async () => {
    const answer = await send("POST", `auth/login?email=${email}&password=${password}`, {});
    expect(answer).toBeProblem(422, "validation_failed");
  });

  test("the body cannot contain the id from the path", async () => {
    const admin = { id: "0198f7a2-6a3c-7cc1-a2f4-3b1c9d0e5f60", is_active: true };
    expect((await send("PUT", `admin/users/${admin.id}/status`, admin, signedIn())).status).toBe(403);
  });

  test("an invalid id is 404", async () => {
    expect(await codeOf(send("DELETE", "auth/sessions/1", undefined, signedIn()))).toEqual([404, "not_found"]);
  });

  test("unknown query parameters are ignored, known ones validated", async () => {
    expect((await send("GET", "users/me/activity?limit=5&x=1&limit=1000", undefined, signedIn())).status).toBe(200);
    expect(await codeOf(send("GET", "users/me/activity?limit=1000", undefined, signedIn()))).toEqual([
      422,
      "validation_failed",
    ]);
  });

  test("an invalid X-Tenant is 422", async () => {
    expect(await codeOf(send("POST", "auth/login", { email, password }, { "x-tenant": "no such!" }))).toEqual([
      422,
      "validation_failed",
    ]);
    expect((await send("POST", "auth/login", { email, password }, { "x-tenant": "default" })).status).toBe(200);
  });

  test("a signed-in user acts in their own tenant only", async () => {
    expect(await codeOf(send("GET", "users/me", undefined, { ...signedIn(), "x-tenant": "other" }))).toEqual([
      403,
      "forbidden",
    ]);
    expect((await send("GET", "users/me", undefined, { ...signedIn(), "x-tenant": "default" })).status).toBe(200);
  });
});

describe("responses", () => {
  test("a success has an envelope", async () => {
    const { status, body } = await send("GET", "users/me/", undefined, signedIn());
    expect(status).toBe(200);
    expect(body).toEqual({ success: true, message: "Your account.", data: expect.objectContaining({ email }) });
  });

  test("a list has its position in meta", async () => {
    const { body } = await send("GET", "auth/sessions", undefined, signedIn());
    const total = body.data.length;
    expect(body.meta).toEqual({
      total,
      page: 1,
      limit: total,
      total_pages: 1,
      has_next: false,
      has_previous: false,
      next_cursor: null,
    });
  });

  test("HEAD is GET without the body", async () => {
    const answer = await send("HEAD", "users/me", undefined, signedIn());
    expect([answer.status, answer.text, Number(answer.headers.get("content-length")) > 100]).toEqual([200, "", true]);
  });

  test("all have security headers and must not be cached", async () => {
    for (const answer of [await send("GET", "nothing"), await send("GET", "users/me", undefined, signedIn())]) {
      expect(Object.fromEntries(answer.headers)).toMatchObject({
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "content-security-policy": expect.stringContaining("frame-ancestors 'none'"),
        "cache-control": "no-store",
      });
    }
  });

  test.each([
    [{ "x-correlation-id": "abc.1:2_3-4" }, "abc.1:2_3-4"],
    [{ "x-request-id": "from-the-proxy" }, "from-the-proxy"],
    [{ "x-correlation-id": "no good", "x-request-id": "second" }, "second"],
    [{ "x-correlation-id": "x".repeat(129) }, expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/)],
    [{}, expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/)],
  ])("correlation id for %j", async (headers, expected) => {
    const answer = await send("GET", "nothing", undefined, headers as Record<string, string>);
    expect(answer.headers.get("x-correlation-id")).toEqual(expected);
    expect(answer.body.correlation_id).toEqual(expected);
  });

  test("signing out works with an invalid access token and the refresh token", async () => {
    const { body } = await send("POST", "auth/login", { email, password });
    const signedOut = await send(
      "POST",
      "auth/logout",
      { refresh_token: body.data.refresh_token },
      { authorization: "Bearer x.y.z" },
    );
    expect(signedOut.status).toBe(200);
    expect(await send("GET", "users/me", undefined, { authorization: `Bearer ${body.data.access_token}` })).toBeProblem(
      401,
      "session_ended",
    );
  });

  test("signing out with neither is 401", async () => {
    expect(await codeOf(send("POST", "auth/logout", {}))).toEqual([401, "token_missing"]);
    expect(await codeOf(send("POST", "auth/logout", {}, { authorization: "Bearer x.y.z" }))).toEqual([
      401,
      "token_invalid",
    ]);
  });
});

describe("idempotency", () => {
  const person = (name: string) => ({ email: `${name}@example.com`, password });

  test("the same key and body return the first response again", async () => {
    const headers = { "idempotency-key": "register-1" };
    const first = await send("POST", "auth/register", person("keyed"), headers);
    const second = await send("POST", "auth/register", person("keyed"), headers);
    expect([first.status, second.status, second.body.data.id]).toEqual([201, 201, first.body.data.id]);
    expect([first.headers.get("idempotency-replayed"), second.headers.get("idempotency-replayed")]).toEqual([
      null,
      "true",
    ]);
  });

  test("a different body with the same key is 422", async () => {
    const headers = { "idempotency-key": "register-2" };
    await send("POST", "auth/register", person("keyed2"), headers);
    expect(await codeOf(send("POST", "auth/register", person("keyed3"), headers))).toEqual([
      422,
      "idempotency_key_reused",
    ]);
  });

  test("a stored error is marked as replayed", async () => {
    const headers = { "idempotency-key": "register-3" };
    await send("POST", "auth/register", person("order"), headers);
    const again = await send("POST", "auth/register", person("order"), headers);
    expect([again.status, again.body.code, again.headers.get("idempotency-replayed")]).toEqual([
      409,
      "email_taken",
      "true",
    ]);
  });

  test("an invalid key is 400", async () => {
    expect(await codeOf(send("POST", "auth/register", person("keyed4"), { "idempotency-key": "a b" }))).toEqual([
      400,
      "bad_request",
    ]);
  });
});
