import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { UserCaller } from "../../../lib/actions/caller.ts";
import type { Actions } from "../../../lib/actions/typed-call.ts";
import { adminOf, newTenant, startUsers, type UserServices } from "../../support/start/user-services.ts";

type Query = Actions["users.list"]["params"];

let mesh: UserServices;
beforeAll(async () => {
  mesh = await startUsers(["users", "sessions"]);
});
afterAll(() => mesh.stop());

interface BulkFixtures {
  readonly slug: string;
  readonly admin: UserCaller;
  readonly ids: readonly string[];
}

/** A tenant with `size` accounts, made one after the other; the last is its administrator. */
async function crowd(size: number): Promise<BulkFixtures> {
  const { slug } = await newTenant(mesh.database);
  const ids: string[] = [];
  for (let index = 1; index < size; index += 1)
    ids.push((await mesh.create({ tenant: slug, full_name: `Person ${index}` })).id);
  const admin = await mesh.create({ tenant: slug, roles: ["admin"], full_name: "The Boss", username: `boss-${slug}` });
  return { slug, admin: adminOf(admin), ids: [...ids, admin.id] };
}

const list = (admin: UserCaller, query: Query = {}) => mesh.call("users.list", query, admin);
const idsOf = (page: Actions["users.list"]["result"]) => page.items.map((item) => item.id);

async function walk(
  admin: UserCaller,
  query: Query,
  between: () => Promise<unknown> = async () => undefined,
): Promise<string[]> {
  const seen: string[] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = await list(admin, { ...query, ...(cursor && { cursor }) });
    seen.push(...idsOf(page));
    cursor = page.next_cursor;
    await between();
  }
  return seen;
}

describe("the list of accounts", () => {
  test("shows the caller's tenant, newest first, in pages", async () => {
    const { admin, ids } = await crowd(5);
    const first = await list(admin, { limit: 2 });
    expect(first).toMatchObject({ total: 5, page: 1, limit: 2 });
    const pages = [first, await list(admin, { limit: 2, page: 2 }), await list(admin, { limit: 2, page: 3 })];
    expect(pages.flatMap(idsOf)).toEqual(ids.toReversed());
    expect(pages.map((page) => page.next_cursor === null)).toEqual([false, false, true]);
  });

  test.each(["created_at", "-created_at", "last_login_at", "-last_login_at"] as const)(
    "by cursor and %s visits each account once while others are added",
    async (sort) => {
      const { slug, admin, ids } = await crowd(9);
      for (const id of ids.slice(0, 3))
        await mesh.as("auth", "users.recordLogin", { id, at: `2026-01-0${ids.indexOf(id) + 1}T00:00:00.000Z` });
      const newcomers = ["Ada", "Bo", "Cy", "Di"];
      const seen = await walk(admin, { sort, limit: 2 }, async () => {
        const full_name = newcomers.pop();
        if (full_name) await mesh.create({ tenant: slug, full_name });
      });
      expect(seen.length).toBe(new Set(seen).size);
      expect(seen).toEqual(expect.arrayContaining([...ids]));
    },
  );

  test("sorted by last sign-in puts accounts without one last", async () => {
    const { admin, ids } = await crowd(3);
    await mesh.as("auth", "users.recordLogin", { id: ids[1] ?? "", at: "2026-01-02T00:00:00.000Z" });
    expect(idsOf(await list(admin, { sort: "-last_login_at" }))[0]).toBe(ids[1]);
    expect(idsOf(await list(admin, { sort: "last_login_at" })).at(-1)).toBe(ids[1]);
  });

  test.each([
    ["nonsense"],
    [""],
    ["e30"],
    [Buffer.from('["created_at",null,"x"]').toString("base64url")],
    [
      Buffer.from('["-created_at","2026-99-99T00:00:00.000Z","0198f7a2-6a3c-7cc1-a2f4-3b1c9d0e5f60"]').toString(
        "base64url",
      ),
    ],
  ])("a cursor %p is none", async (cursor) => {
    const { admin } = await crowd(1);
    await expect(list(admin, { cursor })).rejects.toMatchObject({
      type: "validation_failed",
      data: { errors: [{ field: "cursor", code: "invalid_cursor" }] },
    });
  });

  test("a cursor of another sort order is refused", async () => {
    const { admin } = await crowd(2);
    const { next_cursor } = await list(admin, { limit: 1 });
    await expect(list(admin, { sort: "created_at", cursor: next_cursor ?? "" })).rejects.toMatchObject({
      type: "validation_failed",
    });
  });

  test("requires users:read", async () => {
    const { admin } = await crowd(1);
    await expect(list({ ...admin, permissions: ["users:write"], roles: ["admin"] })).rejects.toMatchObject({
      type: "forbidden",
    });
  });
});

describe("a search", () => {
  test("finds all words as parts of name, username and email, ignoring case", async () => {
    const { slug, admin, ids } = await crowd(3);
    const [email] = ["Zoë.Straße@Example.COM"];
    const zoe = await mesh.create({ tenant: slug, full_name: "Zoë Müller", email });
    for (const search of ["zoë", "MÜLLER", "müller zoë", "straße@example", "straße   zoë"])
      expect(idsOf(await list(admin, { search }))).toEqual([zoe.id]);
    expect(idsOf(await list(admin, { search: `boss-${slug}` }))).toEqual([ids.at(-1)]);
    expect(await list(admin, { search: "zoë boss" })).toMatchObject({ items: [], total: 0 });
  });

  test("takes LIKE wildcards literally", async () => {
    const { slug, admin } = await crowd(2);
    const odd = await mesh.create({ tenant: slug, full_name: "100%_\\ sure" });
    for (const search of ["%", "_", "\\", "0%_\\"]) expect(idsOf(await list(admin, { search }))).toEqual([odd.id]);
  });

  test("with a NUL, or of spaces only, does no harm", async () => {
    const { admin } = await crowd(2);
    expect((await list(admin, { search: "per\0nobody" })).total).toBe(0);
    expect((await list(admin, { search: "   " })).total).toBe(2);
  });

  test("finds the changed values, not the earlier ones", async () => {
    const { slug, admin } = await crowd(1);
    const user = await mesh.create({ tenant: slug, full_name: "Before" });
    await mesh.call("users.updateMe", { full_name: "After", company: "Acme" }, { ...admin, user_id: user.id });
    expect(idsOf(await list(admin, { search: "after acme" }))).toEqual([user.id]);
    expect(idsOf(await list(admin, { search: "before" }))).toEqual([]);
  });
});

describe("a filter", () => {
  test("by status", async () => {
    const { admin, ids } = await crowd(3);
    await mesh.call("users.setStatus", { id: ids[0] ?? "", is_active: false }, admin).catch(() => undefined);
    await mesh.database.query("UPDATE users.users SET is_verified = true WHERE id = $1", [ids[1]]);
    expect(idsOf(await list(admin, { status: "inactive" }))).toEqual([ids[0]]);
    expect(idsOf(await list(admin, { status: "active" }))).toEqual([ids[2], ids[1]]);
    expect(idsOf(await list(admin, { status: "verified" }))).toEqual([ids[1]]);
    expect((await list(admin, { status: "unverified" })).total).toBe(2);
  });

  test("by role, where every account is a user", async () => {
    const { admin, ids } = await crowd(3);
    expect(idsOf(await list(admin, { role: "admin" }))).toEqual([ids[2]]);
    expect((await list(admin, { role: "user" })).total).toBe(3);
    expect((await list(admin, { role: "emperor" })).total).toBe(0);
  });
});

test("another tenant's account is 404, like an unknown one", async () => {
  const [mine, theirs] = [await crowd(1), await crowd(1)];
  await expect(mesh.call("users.adminGet", { id: theirs.ids[0] ?? "" }, mine.admin)).rejects.toMatchObject({
    type: "not_found",
  });
  expect((await mesh.call("users.adminGet", { id: mine.ids[0] ?? "" }, mine.admin)).id).toBe(mine.ids[0]);
});

test("the counts of the installation are public", async () => {
  const { total_users, active_users } = await mesh.call("users.counts", {});
  expect(total_users).toBeGreaterThanOrEqual(active_users);
});
