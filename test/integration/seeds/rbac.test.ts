import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { linkToken, mailTo, newPerson, register, signIn } from "../../support/flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "../../support/start/usermesh.ts";

/** The paths of the multi-tenant service with roles, in the order in which a client uses them. */
let usermesh: Usermesh;
const person = newPerson("rita");
let id = "";
let access = "";
beforeAll(async () => {
  const logs = join(await mkdtemp(join(tmpdir(), "rbac-")), "user_service.log");
  // The documentation of the system sets both secrets, to different values.
  const secrets = { SECRET_KEY: "flask-secret-".repeat(3), JWT_SECRET_KEY: "jwt-signing-key-".repeat(3) };
  usermesh = await startUsermesh({ USERMESH_PROFILE: "rbac", NODE_ENV: "testing", LOG_FILE: logs, ...secrets });
});
afterAll(() => usermesh.stop());

const send = (method: string, path: string, body?: unknown, token?: string) =>
  usermesh.api.request(method, path, { body, token });

const signInAgain = async () => (await signIn(usermesh, person)).access;

test("registers and verifies the address", async () => {
  const registered = await send("POST", "/api/register", person);
  expect(registered.status).toBe(201);
  id = registered.body.data.id;
  const token = linkToken(await mailTo(usermesh, person.email, /verify-email/));
  const { status, body } = await send("POST", "/api/verify-email", { token, password: person.password });
  expect([status, body.data.is_verified]).toEqual([200, true]);
});

test("signs in, refreshes and signs out", async () => {
  const { body } = await send("POST", "/api/login", person);
  expect((await send("POST", "/api/refresh", { refresh_token: body.data.refresh_token })).status).toBe(200);
  const { body: again } = await send("POST", "/api/login", person);
  expect((await send("POST", "/api/refresh", undefined, again.data.refresh_token)).status).toBe(200);
  expect((await send("POST", "/api/logout", undefined, body.data.access_token)).status).toBe(200);
});

test("resets the password with the token in the path", async () => {
  expect((await send("POST", "/api/reset-password", { email: person.email })).status).toBe(202);
  const token = linkToken(await mailTo(usermesh, person.email, /reset-password/));
  const password = `${person.password}-again`;
  expect((await send("POST", `/api/reset-password/${token}`, { password: "weak" })).status).toBe(422);
  expect((await send("POST", `/api/reset-password/${token}`, { password })).status).toBe(200);
  const again = await send("POST", `/api/reset-password/${token}`, { password: `${password}-2` });
  expect(again).toBeProblem(400, "token_invalid");
  Object.assign(person, { password });
  access = await signInAgain();
});

test("an administrator lists users and reads their activity; a user may not", async () => {
  const admin = await signIn(usermesh, usermesh.admin);
  const list = await send("GET", "/api/users", undefined, admin.access);
  expect(list.body.data.map((user: { id: string }) => user.id)).toContain(id);
  expect((await send("GET", `/api/users/${id}/activity`, undefined, admin.access)).status).toBe(200);
  expect((await send("GET", "/api/users", undefined, access)).status).toBe(403);
  expect((await send("GET", `/api/users/${id}/activity`, undefined, access)).status).toBe(403);
  expect((await send("GET", "/api/users")).status).toBe(401);
});

test("an administrator changes a user; a user may not", async () => {
  const admin = await signIn(usermesh, usermesh.admin);
  const change = { full_name: "Rita R.", roles: ["admin"] };
  const { status, body } = await send("PUT", `/api/users/${id}`, change, admin.access);
  expect([status, body.data]).toMatchObject([200, { full_name: "Rita R.", roles: ["admin", "user"] }]);
  expect((await send("PUT", `/api/users/${id}`, { roles: ["vendor"] }, access)).status).toBe(401);
  await send("PUT", `/api/users/${id}`, { roles: [] }, admin.access);
  const person = await signInAgain();
  expect((await send("PUT", `/api/users/${id}`, change, person)).status).toBe(403);
});

test("an administrator deactivates a user in the same request: sessions end, it is logged and mailed", async () => {
  const admin = await signIn(usermesh, usermesh.admin);
  const one = await register(usermesh);
  const { access, refresh } = await signIn(usermesh, one);
  const change = (body: object) => send("PUT", `/api/users/${one.id}`, body, admin.access);
  const changed = await change({ is_active: false, full_name: "Gone" });
  expect([changed.status, changed.body.data]).toMatchObject([200, { is_active: false, full_name: "Gone" }]);
  expect(await send("GET", "/api/v1/users/me", undefined, access)).toBeProblem(401, "session_ended");
  expect((await send("POST", "/api/refresh", { refresh_token: refresh })).status).toBe(401);
  await mailTo(usermesh, one.email, /deactivated|disabled/i);
  await usermesh.settled();
  const log = await send("GET", `/api/users/${one.id}/activity`, undefined, admin.access);
  expect(log.body.data.map(({ action }: { action: string }) => action)).toContain("user.deactivated");
  expect((await change({ is_active: true })).body.data.is_active).toBe(true);
  expect((await signIn(usermesh, one)).access).not.toBe("");
});

test("no administrator deactivates their own account, or changes one that has more permissions", async () => {
  const admin = await signIn(usermesh, usermesh.admin);
  const { data: me } = (await send("GET", "/api/v1/users/me", undefined, admin.access)).body;
  expect(await send("PUT", `/api/users/${me.id}`, { is_active: false }, admin.access)).toBeProblem(403, "forbidden");
  const lesser = await register(usermesh);
  await send("PUT", `/api/users/${lesser.id}`, { role: "admin" }, admin.access);
  const { access: theirs } = await signIn(usermesh, lesser);
  expect(await send("PUT", `/api/users/${me.id}`, { is_active: false }, theirs)).toBeProblem(403, "forbidden");
});

test("the figures are current", async () => {
  const { access: vendor } = await signIn(usermesh, usermesh.admin);
  const figures = async () => (await send("GET", "/api/metrics", undefined, vendor)).body.data;
  const before = await figures();
  for (const someone of [newPerson(), newPerson(), newPerson()]) await register(usermesh, someone);
  const after = await figures();
  expect(after.accounts.total).toBe(before.accounts.total + 3);
  await signIn(usermesh, usermesh.admin);
  expect((await figures()).sessions.active).toBe(after.sessions.active + 1);
});

test("the vendor sees the figures; an administrator of a tenant or a user may not", async () => {
  const vendor = await signIn(usermesh, usermesh.admin);
  const { status, body } = await send("GET", "/api/metrics", undefined, vendor.access);
  expect([status, body.data.accounts.total]).toEqual([200, expect.any(Number)]);
  expect((await send("GET", "/api/metrics", undefined, await signInAgain())).status).toBe(403);
});

test("Prometheus finds its two metrics", async () => {
  const { body } = await send("GET", "/metrics");
  expect(body).toMatch(/^http_requests_total\{.*\} \d+$/m);
  expect(body).toMatch(/^http_request_duration_seconds_bucket\{.*\} \d+$/m);
});

test("finds the documentation", async () => {
  const { status, headers } = await send("GET", "/apidocs");
  expect([status, headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
});
