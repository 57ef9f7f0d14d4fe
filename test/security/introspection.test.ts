import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { newPerson, register, signIn } from "../support/flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "../support/start/usermesh.ts";

let usermesh: Usermesh;
const person = newPerson();
const secret = "a-secret-of-the-jobs-service-0123456789";
const basic = (name: string, password: string) => `Basic ${Buffer.from(`${name}:${password}`).toString("base64")}`;

beforeAll(async () => {
  usermesh = await startUsermesh({
    SERVICE_CREDENTIALS: `jobs=${secret};push=${secret}`,
    SERVICE_PERMISSIONS: "jobs=platform:introspect;push=users:read",
  });
  await register(usermesh, person);
});
afterAll(() => usermesh.stop());

const ask = (token: string, authorization = basic("jobs", secret)) =>
  usermesh.api.request("POST", "auth/introspect", { body: { token }, headers: { authorization } });

describe("introspection", () => {
  test("returns the claims of an access token to a service", async () => {
    const { access, session } = await signIn(usermesh, person);
    const { status, body } = await ask(access);
    expect([status, body]).toMatchObject([200, { active: true, token_type: "Bearer", sid: session, tier: "basic" }]);
  });

  test("accepts a form, as RFC 7662 specifies", async () => {
    const { access } = await signIn(usermesh, person);
    const response = await fetch(`${usermesh.url}/api/v1/auth/introspect`, {
      method: "POST",
      headers: { authorization: basic("jobs", secret) },
      body: new URLSearchParams({ token: access, token_type_hint: "access_token" }),
    });
    expect(await response.json()).toMatchObject({ active: true });
  });

  test("reports a refresh token as active until it is spent, and does not spend it", async () => {
    const { refresh } = await signIn(usermesh, person);
    expect((await ask(refresh)).body).toMatchObject({ active: true, token_type: "refresh_token" });
    expect((await usermesh.api.post("auth/refresh", { refresh_token: refresh })).status).toBe(200);
    expect((await ask(refresh)).body).toEqual({ active: false });
  });

  test("reports a token as inactive as soon as its session has ended", async () => {
    const { access, refresh } = await signIn(usermesh, person);
    await usermesh.api.post("auth/logout", undefined, access);
    expect((await ask(access)).body).toEqual({ active: false });
    expect((await ask(refresh)).body).toEqual({ active: false });
  });

  test.each(["nonsense", "a.b.c", "v1.k1.0198f7a2-6a3c-7cc1-a2f4-3b1c9d0e5f60.0.", "eyJhbGciOiJub25lIn0.e30."])(
    "reports %s as inactive",
    async (token) => {
      const { status, body } = await ask(token);
      expect([status, body]).toEqual([200, { active: false }]);
    },
  );

  test("is refused to anonymous callers, users and services without the permission", async () => {
    const { access } = await signIn(usermesh, person);
    const statuses = await Promise.all([
      usermesh.api.post("auth/introspect", { token: access }),
      usermesh.api.post("auth/introspect", { token: access }, access),
      ask(access, basic("jobs", "wrong")),
      ask(access, basic("nobody", "")),
      ask(access, basic("", "")),
      ask(access, basic("push", secret)),
    ]);
    expect(statuses.map(({ status }) => status)).toEqual([401, 403, 401, 401, 401, 403]);
  });

  test("is permitted to administrators of the platform", async () => {
    const { access } = await signIn(usermesh, usermesh.admin);
    expect((await usermesh.api.post("auth/introspect", { token: access }, access)).body).toMatchObject({
      active: true,
    });
  });

  test("is the only route that accepts a service's secret", async () => {
    const answer = await usermesh.api.request("GET", "users/me", { headers: { authorization: basic("jobs", secret) } });
    expect(answer.status).toBe(401);
  });
});
