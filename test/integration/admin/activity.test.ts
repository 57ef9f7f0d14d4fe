import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Actions } from "../../../lib/actions/typed-call.ts";
import { eventually } from "../../support/eventually.ts";
import {
  type Account,
  adminOf,
  callerOf,
  newTenant,
  startUsers,
  type UserServices,
} from "../../support/start/user-services.ts";

type Page = Actions["admin.activity"]["result"];

let mesh: UserServices;
beforeAll(async () => {
  mesh = await startUsers(["users", "sessions", "preferences", "admin"]);
});
afterAll(() => mesh.stop());

const actionsOf = (page: Page) => page.items.map((item) => item.action);

async function tenantWithAdmin() {
  const tenant = await newTenant(mesh.database);
  const admin = await mesh.create({ tenant: tenant.slug, roles: ["admin"] });
  return { ...tenant, admin: adminOf(admin), adminId: admin.id };
}

/** Entries are added asynchronously, by events. */
async function logged(count: number, read: () => Promise<Page>): Promise<Page> {
  return eventually(`${count} entries`, async () => {
    const page = await read();
    return page.items.length >= count && page;
  });
}

const mine = (user: Account, query = {}) => mesh.call("admin.myActivity", query, callerOf(user));

describe("the activity log", () => {
  test("shows users their own entries, newest first", async () => {
    const user = await mesh.create();
    await mesh.call("users.updateMe", { bio: "hello" }, callerOf(user));
    const page = await logged(2, () => mine(user));
    expect(actionsOf(page)).toEqual(["user.updated", "user.created"]);
    expect(page.items[0]).toMatchObject({ user_id: user.id, actor_id: user.id, details: { updated_fields: ["bio"] } });
  });

  test("contains no email addresses and no names", async () => {
    const user = await mesh.create({ full_name: "Very Private" });
    await logged(1, () => mine(user));
    const [row] = await mesh.database.query(
      "SELECT string_agg(a::text, '') AS text FROM admin.activity a WHERE user_id = $1",
      [user.id],
    );
    expect(row?.text).not.toMatch(/Very Private|@example/);
  });

  test("shows administrators who did what in their tenant, and nothing of other tenants", async () => {
    const one = await tenantWithAdmin();
    const other = await tenantWithAdmin();
    const user = await mesh.create({ tenant: one.slug });
    await mesh.call("users.setStatus", { id: user.id, is_active: false, reason: "spam" }, one.admin);
    await logged(3, () => mesh.call("admin.activity", {}, one.admin));
    const page = await mesh.call("admin.activity", { actor: one.adminId, action: "user.deactivated" }, one.admin);
    expect(page.items).toMatchObject([{ actor_id: one.adminId, user_id: user.id, details: { reason: "spam" } }]);
    const theirs = await logged(1, () => mesh.call("admin.activity", {}, other.admin));
    expect(theirs.items.map((item) => item.user_id)).toEqual([other.adminId]);
  });

  test("is paged by cursor without gaps or duplicates", async () => {
    const { slug, admin } = await tenantWithAdmin();
    for (let index = 0; index < 6; index += 1) await mesh.create({ tenant: slug });
    const whole = await logged(7, () => mesh.call("admin.activity", {}, admin));
    const seen: string[] = [];
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const page = await mesh.call("admin.activity", { limit: 2, ...(cursor && { cursor }) }, admin);
      seen.push(...page.items.map((item) => item.id));
      cursor = page.next_cursor;
    }
    expect(seen).toEqual(whole.items.map((item) => item.id));
  });

  test("is paged stably within one timestamp and while entries are added", async () => {
    const { id, admin } = await tenantWithAdmin();
    const rows = (n: number, at: string) =>
      mesh.database.query<{ id: string }>(
        `INSERT INTO admin.activity (id, tenant_id, action, at)
         SELECT gen_random_uuid(), $1, 'user.updated', $2 FROM generate_series(1, $3) RETURNING id`,
        [id, at, n],
      );
    const same = await rows(7, "2026-01-01T00:00:00.123Z");
    const seen: string[] = [];
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const query = { limit: 3, action: "user.updated", ...(cursor && { cursor }) };
      const page = await mesh.call("admin.activity", query, admin);
      seen.push(...page.items.map((item) => item.id));
      cursor = page.next_cursor;
      await rows(2, "2026-01-02T00:00:00Z");
    }
    expect(seen.toSorted()).toEqual(same.map((row) => row.id).toSorted());
  });

  test("can be filtered by action, actor and time, but not by user on one's own log", async () => {
    const { slug, admin } = await tenantWithAdmin();
    const [user, other] = [await mesh.create({ tenant: slug }), await mesh.create({ tenant: slug })];
    await mesh.call("users.updateMe", { bio: "hello" }, callerOf(user));
    const whole = await logged(2, () => mine(user));
    expect(actionsOf(await mine(user, { action: "user.updated" }))).toEqual(["user.updated"]);
    expect(actionsOf(await mine(user, { actor: admin.user_id }))).toEqual([]);
    const [updated, created] = whole.items.map((item) => item.at);
    expect(actionsOf(await mine(user, { from: updated }))).toEqual(["user.updated"]);
    expect(actionsOf(await mine(user, { from: created, to: updated }))).toEqual(["user.created"]);
    await logged(1, () => mine(other));
    expect((await mine(user, { user_id: other.id })).items).toEqual(whole.items);
  });

  test("can be filtered by time", async () => {
    const { admin } = await tenantWithAdmin();
    const page = await logged(1, () => mesh.call("admin.activity", {}, admin));
    const at = page.items[0]?.at ?? "";
    expect((await mesh.call("admin.activity", { from: at }, admin)).items).toHaveLength(1);
    expect((await mesh.call("admin.activity", { to: at }, admin)).items).toHaveLength(0);
  });

  test("answers 404 for another tenant's account", async () => {
    const { admin } = await tenantWithAdmin();
    const stranger = await mesh.create();
    await expect(mesh.call("admin.userActivity", { user_id: stranger.id }, admin)).rejects.toMatchObject({
      type: "not_found",
    });
  });

  test("of an account contains only its own entries", async () => {
    const { slug, admin } = await tenantWithAdmin();
    const user = await mesh.create({ tenant: slug });
    const page = await logged(1, () => mesh.call("admin.userActivity", { user_id: user.id }, admin));
    expect(actionsOf(page)).toEqual(["user.created"]);
  });

  test("does not show users the IP address of an administrator", async () => {
    const { slug, admin } = await tenantWithAdmin();
    const user = await mesh.create({ tenant: slug });
    const meta = { caller: admin, client: { ip: "192.0.2.77", user_agent: "" }, correlation_id: "test" };
    await mesh.broker.call("users.setStatus", { id: user.id, is_active: false }, { meta });
    const page = await logged(2, () =>
      mine(user, { action: "user.deactivated" }).then((own) => ({ ...own, items: [...own.items, ...own.items] })),
    );
    expect(page.items[0]).toMatchObject({ actor_id: admin.user_id, ip: null });
    expect((await mesh.call("admin.activity", { action: "user.deactivated" }, admin)).items[0]?.ip).toBe("192.0.2.77");
  });

  test("rejects an invalid cursor", async () => {
    await expect(mine(await mesh.create(), { cursor: "nonsense" })).rejects.toMatchObject({
      type: "validation_failed",
    });
  });

  test("records an event that is delivered twice once", async () => {
    const user = await mesh.create();
    await logged(1, () => mine(user));
    await mesh.database.query("UPDATE users.outbox SET published_at = NULL WHERE user_id = $1", [user.id]);
    await mesh.settled();
    expect((await mine(user)).items).toHaveLength(1);
  });
});
