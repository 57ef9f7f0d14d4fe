import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Answer } from "../support/clients/api-client.ts";
import { newPerson, type Person, register, signIn, verifyAddress } from "../support/flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "../support/start/usermesh.ts";

let usermesh: Usermesh;
beforeAll(async () => {
  usermesh = await startUsermesh({ TRUST_PROXY: "1" });
});
afterAll(() => usermesh.stop());

const address = "198.51.100.200";
const browser = "Mozilla/5.0 (X11; Linux x86_64) AdministratorsBrowser/77.7";
const device = "Administrators-Device";

type Send = (method: string, path: string, body?: object) => Promise<Answer>;

/** An administrator whose requests can be told from all others. */
async function administrator(): Promise<{ readonly traces: readonly string[]; readonly send: Send }> {
  const headers = { "x-forwarded-for": address, "user-agent": browser };
  const answer = await usermesh.api.request("POST", "auth/login", {
    body: { ...usermesh.admin, device_name: device },
    headers,
  });
  const { access_token: token, session_id, user } = answer.body.data;
  const send: Send = (method, path, body) => usermesh.api.request(method, path, { body, token, headers });
  return { traces: [address, user.id, user.email, session_id, "AdministratorsBrowser", device], send };
}

async function exportOf(person: Person) {
  await usermesh.settled();
  const { access } = await signIn(usermesh, person);
  const { status, body } = await usermesh.api.get("users/me/export", access);
  expect(status).toBe(200);
  return body;
}

/** What the administrator does to the account, and the event that it leaves there. */
const acts: ReadonlyArray<readonly [string, string, (send: Send, id: string) => Promise<readonly Answer[]>]> = [
  [
    "changes name, username and verification",
    "user.updated",
    async (send, id) => [
      await send("PATCH", `admin/users/${id}`, {
        full_name: "Grace Hopper",
        username: `g-${id.slice(-12)}`,
        is_verified: true,
      }),
    ],
  ],
  [
    "grants and withdraws a role",
    "role.changed",
    async (send, id) => [
      await send("PATCH", `admin/users/${id}`, { roles: ["admin"] }),
      await send("PATCH", `admin/users/${id}`, { roles: [] }),
      await send("PATCH", `admin/users/${id}`, { roles: ["admin"] }),
    ],
  ],
  [
    "gives a subscription",
    "subscription.changed",
    async (send, id) => [await send("PATCH", `admin/users/${id}`, { subscription: { plan: "premium" } })],
  ],
  [
    "deactivates and reactivates",
    "user.deactivated",
    async (send, id) => [
      await send("PUT", `admin/users/${id}/status`, { is_active: false, reason: "Suspicious" }),
      await send("PUT", `admin/users/${id}/status`, { is_active: true }),
    ],
  ],
  ["revokes all sessions", "session.revoked", async (send, id) => [await send("DELETE", `admin/users/${id}/sessions`)]],
  [
    "deletes and restores",
    "user.deleted",
    async (send, id) => [
      await send("DELETE", `admin/users/${id}`, {}),
      await send("PUT", `admin/users/${id}/status`, { is_active: true }),
    ],
  ],
];

test.each(acts)("the export tells nothing about the administrator who %s", async (_, type, act) => {
  const { traces, send } = await administrator();
  const person = await register(usermesh);
  await verifyAddress(usermesh, person);
  await signIn(usermesh, person);
  expect((await act(send, person.id)).map(({ status }) => status).filter((status) => status !== 200)).toEqual([]);
  const { services } = await exportOf(person);
  const events = [...services.users.events, ...services.sessions.events].map(({ event }) => event.event_type);
  expect(events).toContain(type);
  expect(services.admin.activity.map(({ action }: { action: string }) => action)).toContain(type);
  const text = JSON.stringify(services);
  expect(traces.filter((trace) => text.includes(trace))).toEqual([]);
});

test("the export tells nothing about the administrator who changes the email address", async () => {
  const { traces, send } = await administrator();
  const person = await register(usermesh);
  const { email } = newPerson("new");
  expect((await send("PATCH", `admin/users/${person.id}`, { email })).status).toBe(200);
  const text = JSON.stringify((await exportOf({ ...person, email })).services);
  expect(traces.filter((trace) => text.includes(trace))).toEqual([]);
});

test("the export leaves out the address from which somebody used a stolen refresh token", async () => {
  const person = await register(usermesh);
  const { refresh } = await signIn(usermesh, person);
  await usermesh.database.query(
    "UPDATE sessions.sessions SET counter = counter + 2, spent_at = ARRAY[now() - interval '1 hour', now() - interval '1 hour'] WHERE user_id = $1",
    [person.id],
  );
  const headers = { "x-forwarded-for": address };
  const used = await usermesh.api.request("POST", "auth/refresh", { body: { refresh_token: refresh }, headers });
  expect(used).toBeProblem(401, "token_reused");
  const { services } = await exportOf(person);
  expect(JSON.stringify(services.sessions.events)).toContain("token.reused");
  expect(JSON.stringify(services)).not.toContain(address);
});

test("the export of the administrator has their own id and address", async () => {
  const { send } = await administrator();
  const { id } = await register(usermesh);
  await send("PATCH", "users/me", { bio: "I run this." });
  await send("PATCH", `admin/users/${id}`, { full_name: "Grace Hopper" });
  await usermesh.settled();
  const { body } = await send("GET", "users/me/export");
  const own = body.services.users.events.find(({ event }: Row) => event.event_type === "user.updated");
  expect(own.event).toMatchObject({ actor_id: body.user_id, ip: address });
  expect(body.services.admin.activity).toContainEqual(expect.objectContaining({ actor_id: body.user_id, ip: address }));
  expect(body.services.admin.acts_on_others).toContainEqual(expect.objectContaining({ user_id: id, ip: address }));
});

interface Row {
  readonly event: { readonly event_type: string };
}
