import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { routes } from "../../../services/gateway/routes.ts";
import { newMember, verdict } from "../../support/data/tenants.ts";
import { eventually } from "../../support/eventually.ts";
import { newPerson, signIn } from "../../support/flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "../../support/start/usermesh.ts";

let mesh: Usermesh;
beforeAll(async () => {
  mesh = await startUsermesh();
});
afterAll(() => mesh?.stop());

/** ASVS 5.0 V16.2, V16.3: administrators' operations are logged with who, what, when and where. */
const acts: ReadonlyArray<readonly [route: string, logged: string, status: number, body: object]> = [
  ["POST /users", "user.created", 201, { email: newPerson().email, send_invitation: false }],
  ["POST /users/{user}/links", "link.sent", 202, { kind: "password_reset" }],
  ["POST /invitations", "user.created", 201, { email: newPerson().email }],
  ["PUT /users/{user}", "user.updated", 200, { full_name: "Ada" }],
  ["PATCH /users/{user}", "subscription.changed", 200, { subscription: { plan: "gold" } }],
  ["PATCH /users/{user}", "role.changed", 200, { roles: ["admin"] }],
  ["PUT /users/{user}/status", "user.deactivated", 200, { is_active: false, reason: "x" }],
  ["PUT /users/{user}/status", "user.reactivated", 200, { is_active: true }],
  ["DELETE /users/{other}/sessions", "session.revoked", 200, {}],
  ["DELETE /users/{other}", "user.deleted", 200, {}],
  ["POST /roles", "role.changed", 201, { name: "clerk", permissions: ["users:read"] }],
  ["PUT /roles/clerk", "role.changed", 200, { permissions: [] }],
  ["PATCH /roles/clerk", "role.changed", 200, { permissions: ["activity:read"] }],
  ["DELETE /roles/clerk", "role.changed", 200, {}],
  ["POST /tenants", "tenant.created", 201, { slug: "acts", name: "Acts", admin_email: newPerson().email }],
  ["PATCH /tenants/{tenant}", "tenant.updated", 200, { name: "Others" }],
  ["POST /tenants/{tenant}/logo", "tenant.updated", 200, pixelForm()],
  ["DELETE /tenants/{tenant}", "tenant.updated", 200, {}],
  ["POST /webhooks", "webhook.changed", 201, { url: "https://receiver.invalid/" }],
  ["PATCH /webhooks/{webhook}", "webhook.changed", 200, { description: "x" }],
  ["POST /webhooks/{webhook}/rotate-secret", "webhook.changed", 200, {}],
  ["POST /webhooks/{webhook}/test", "webhook.changed", 202, {}],
  ["POST /webhooks/{webhook}/deliveries/{delivery}/redeliver", "webhook.changed", 202, {}],
  ["DELETE /webhooks/{webhook}", "webhook.changed", 200, {}],
  ["POST /keys/rotate", "signing_key.rotated", 200, {}],
  ["POST /queues/mail/retry", "dead_letters.retried", 200, {}],
  ["DELETE /queues/mail/failed/none", "dead_letters.dropped", 404, {}],
];

/** The ids of what the earlier rows have created. */
const queries: Readonly<Record<string, string>> = {
  tenant: "SELECT id FROM users.tenants WHERE slug = 'acts'",
  webhook: "SELECT id FROM webhooks.endpoints",
  delivery: "SELECT id FROM webhooks.deliveries WHERE event_type = 'webhook.test'",
};

/** An upload of the smallest PNG. */
function pixelForm(): FormData {
  const png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
  const form = new FormData();
  form.set("file", new Blob([Buffer.from(png, "base64")], { type: "image/png" }), "pixel.png");
  return form;
}

test("every operation of an administrator is logged with who did what, when and from where", async () => {
  const [user, other] = [await newMember(mesh, "default"), await newMember(mesh, "default")];
  const { id: actor } = (await mesh.api.get("users/me", (await signIn(mesh, mesh.admin)).access)).body.data;
  const place = async (name: string) => {
    if (name === "user") return user.id;
    if (name === "other") return other.id;
    const [row] = await mesh.database.query<{ id: string }>(queries[name] ?? "");
    return row?.id ?? "";
  };
  const filled = async (template: string) => {
    let path = template;
    for (const [placeholder, name = ""] of template.matchAll(/\{(\w+)\}/g))
      path = path.replace(placeholder, await place(name));
    return path;
  };
  for (const [route, action, status, body] of acts) {
    const [method = "", template = ""] = route.split(" ");
    const path = `admin${await filled(template)}`;
    const correlation = randomUUID();
    const answer = await mesh.api.request(method, path, {
      token: (await signIn(mesh, mesh.admin)).access,
      headers: { "x-correlation-id": correlation },
      ...(body instanceof FormData ? { raw: body } : method !== "DELETE" && { body }),
    });
    expect([route, answer.status, verdict(answer)]).toEqual([route, status, verdict(answer)]);
    const sql = "SELECT action, actor_id, ip FROM admin.activity WHERE correlation_id = $1 AND action = $2";
    const [entry] = await eventually(`${route} in the log`, async () => {
      const rows = await mesh.database.query(sql, [correlation, action]);
      return rows.length > 0 && rows;
    });
    expect([route, entry]).toEqual([route, { action, actor_id: actor, ip: "127.0.0.1" }]);
  }
});

test("the list covers every writing admin route", () => {
  const shape = (route: string) => route.replaceAll(/\{\w+\}|clerk|mail|none/g, "*");
  const known = new Set(acts.map(([route]) => shape(route)));
  const writing = routes.filter(({ method, path }) => method !== "GET" && path.startsWith("/api/v1/admin/"));
  const all = writing.map(({ method, path }) => shape(`${method} ${path.replace("/api/v1/admin", "")}`));
  expect(all.filter((route) => !known.has(route))).toEqual([]);
});
