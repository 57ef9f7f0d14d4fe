import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { erased } from "../../support/flows/data-rights.ts";
import { linkToken, mailTo, newPerson, register, signIn } from "../../support/flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "../../support/start/usermesh.ts";

/** The paths of the notification system's user service, trailing slashes and all. */
let usermesh: Usermesh;
const person = newPerson("nora");
let access = "";
beforeAll(async () => {
  usermesh = await startUsermesh({ USERMESH_PROFILE: "notification" });
});
afterAll(() => usermesh.stop());

const send = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
  usermesh.api.request(method, `/api/v1${path}`, { body, headers, ...(access !== "" && { token: access }) });

test("registers once, however often the same X-Request-ID comes", async () => {
  const body = { ...person, name: "Nora", push_token: "device-1", preferences: { notification_push: false } };
  const headers = { "x-request-id": "registration-of-nora" };
  const first = await send("POST", "/users/", body, headers);
  const again = await send("POST", "/users/", body, headers);
  expect([first.status, again.status, again.headers.get("idempotency-replayed")]).toEqual([201, 201, "true"]);
  expect(again.body.data.id).toBe(first.body.data.id);
  expect(again.headers.get("x-correlation-id")).toBe("registration-of-nora");
  const other = await send("POST", "/users/", { ...body, name: "Someone else" }, headers);
  expect(other).toBeProblem(422, "idempotency_key_reused");
});

test("on our own paths X-Request-ID is just an id", async () => {
  const headers = { "x-request-id": "registration-of-nora-2" };
  const register = (email: string) =>
    usermesh.api.request("POST", "auth/register", { body: { ...person, email }, headers });
  expect((await register(newPerson().email)).status).toBe(201);
  expect((await register(newPerson().email)).status).toBe(201);
});

test("signs in and refreshes", async () => {
  const { body } = await send("POST", "/auth/login/", person);
  expect(body.data).toMatchObject({ expires_in: 3_600, refresh_expires_in: 86_400 });
  const refreshed = await send("POST", "/auth/refresh/", { refresh_token: body.data.refresh_token });
  access = refreshed.body.data.access_token;
  expect(refreshed.status).toBe(200);
});

test("verifies the address", async () => {
  const token = linkToken(await mailTo(usermesh, person.email, /verify-email/));
  expect((await send("POST", "/auth/verify-email/", { token, password: person.password })).body.data.is_verified).toBe(
    true,
  );
});

test("reads and changes the profile, safely repeated by X-Request-ID", async () => {
  const headers = { "x-request-id": "change-of-nora" };
  const change = { name: "Nora N.", push_token: "device-2" };
  const changed = await send("PATCH", "/users/profile/", change, headers);
  expect([changed.status, changed.body.data.name]).toEqual([200, "Nora N."]);
  expect((await send("PATCH", "/users/profile/", change, headers)).headers.get("idempotency-replayed")).toBe("true");
  expect((await send("GET", "/users/profile/")).body.data).toMatchObject({ name: "Nora N.", has_push_token: true });
});

test("reads and changes the preferences", async () => {
  expect((await send("GET", "/users/preferences/")).body.data.notification_push).toBe(false);
  const { body } = await send("PATCH", "/users/preferences/", { notification_email: false });
  expect(body.data).toMatchObject({ notification_email: false, notification_push: false });
});

test("resets the password", async () => {
  expect((await send("POST", "/auth/password-reset/", { email: person.email })).status).toBe(202);
  const token = linkToken(await mailTo(usermesh, person.email, /reset-password/));
  const password = `${person.password}-again`;
  expect((await send("POST", "/auth/password-reset/confirm/", { token, new_password: password })).status).toBe(200);
  Object.assign(person, { password });
  expect((await signIn(usermesh, person)).access).not.toBe("");
});

test("deactivates the account by a fresh sign-in, without the password", async () => {
  const { access: fresh } = await signIn(usermesh, person);
  const remove = (token: string) => usermesh.api.request("DELETE", "/api/v1/users/profile/", { token });
  expect((await remove(fresh)).status).toBe(200);
  const refused = await usermesh.api.request("GET", "/api/v1/users/profile/", { token: fresh });
  expect(refused).toBeProblem(401, "session_ended");
  const answer = await usermesh.api.post("auth/login", { email: person.email, password: person.password });
  expect(answer).toBeProblem(403, "account_disabled");
});

test("a deleted account is kept: no API reports an erasure, and an administrator can reactivate it", async () => {
  const admin = await signIn(usermesh, usermesh.admin);
  const { id, access: fresh } = await leaver();
  const path = `admin/users/${id}`;
  const removed = await usermesh.api.request("DELETE", "/api/v1/users/profile/", { token: fresh });
  expect([removed.status, removed.body.data]).toEqual([200, { erase_at: null }]);
  await usermesh.call("users.eraseDue", {}, { kind: "service", name: "worker-maintenance" });
  expect(await usermesh.api.get(`${path}/erasure`, admin.access)).toBeProblem(404, "not_found");
  expect((await usermesh.api.get("admin/erasures", admin.access)).body.data).toEqual([]);
  expect((await usermesh.api.get("admin/metrics", admin.access)).body.data.erasures).toEqual({ open: 0, overdue: 0 });
  expect((await usermesh.api.get(path, admin.access)).body.data.deleted_at).not.toBeNull();
  const [event] = await usermesh.database.query<{ body: object }>(
    "SELECT body FROM users.outbox WHERE user_id = $1 AND body ->> 'event_type' = 'user.deleted'",
    [id],
  );
  expect(event?.body).toHaveProperty("erase_at", null);
  const back = await usermesh.api.put(`${path}/status`, { is_active: true }, admin.access);
  expect([back.status, back.body.data.deleted_at]).toEqual([200, null]);
});

test("a kept account is erased if its owner or an administrator asks for that", async () => {
  const admin = await signIn(usermesh, usermesh.admin);
  const { id, access: fresh } = await leaver();
  expect((await usermesh.api.request("DELETE", "/api/v1/users/profile/", { token: fresh })).status).toBe(200);
  const options = { body: { erase: true }, token: admin.access };
  const asked = await usermesh.api.request("DELETE", `admin/users/${id}`, options);
  expect(Date.parse(asked.body.data.erase_at)).toBeLessThanOrEqual(Date.now());
  await erased(usermesh.database, id);
});

async function leaver(): Promise<{ readonly id: string; readonly access: string }> {
  const someone = await register(usermesh);
  return { id: someone.id, access: (await signIn(usermesh, someone)).access };
}

test("finds health and documentation", async () => {
  expect((await send("GET", "/health/")).body).toMatchObject({ status: "ok" });
  expect((await usermesh.api.request("GET", "/swagger/")).headers.get("content-type")).toBe("text/html; charset=utf-8");
});
