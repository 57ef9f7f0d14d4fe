import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { hold } from "../support/data/database-reads.ts";
import { memberWith, newRole, newTenant, refreshed, vendorOf } from "../support/data/tenants.ts";
import { eventually } from "../support/eventually.ts";
import { register, signIn } from "../support/flows/main-flow.ts";
import { startMesh, type TestMesh } from "../support/start/mesh.ts";

let mesh: TestMesh;
let access: string;
beforeAll(async () => {
  mesh = await startMesh({ processes: { gateway: 2, users: 2, preferences: 2 } });
  access = (await signIn(mesh, await register(mesh))).access;
});
afterAll(() => mesh.stop());

const readers = 8;
const resources = [
  ["users/me", "bio", (turn: number) => `turn ${turn}`],
  ["users/me/profile", "headline", (turn: number) => `turn ${turn}`],
  ["users/me/preferences", "age_max", (turn: number) => 40 + turn],
] as const;

/** Reads from both gateways, more often than there are nodes behind them. */
async function everywhere(path: string, field: string): Promise<unknown[]> {
  const asked = Array.from({ length: readers }, (_, turn) => mesh.gateways[turn % 2]?.get(path, access));
  return (await Promise.all(asked)).map((answer) => [answer?.status, answer?.body.data?.[field]]);
}

/** Statements waiting for the table locked by `lockTable`. */
async function waiting(kind: "SELECT" | "UPDATE"): Promise<number> {
  const sql = `SELECT count(*)::int AS n FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock' AND query ILIKE '%' || $1 || '%users.users%'`;
  return (await mesh.database.query<{ n: number }>(sql, [kind]))[0]?.n ?? 0;
}

const lockTable = () => hold(mesh, "LOCK TABLE users.users IN ACCESS EXCLUSIVE MODE");

describe("with two nodes of each service", () => {
  test.each(resources)("a change of %s is read at every node", async (path, field, value) => {
    for (let turn = 0; turn < 10; turn++) {
      await everywhere(path, field);
      expect((await mesh.api.patch(path, { [field]: value(turn) }, access)).status).toBe(200);
      expect(await everywhere(path, field)).toEqual(Array(readers).fill([200, value(turn)]));
    }
  });

  test("a node that was paused during a write does not return the old value", async () => {
    await everywhere("users/me", "bio");
    mesh.pause("users-2");
    const written = await mesh.api.patch("users/me", { bio: "while it slept" }, access);
    mesh.resume("users-2");
    // If the paused node itself should have written, the write was never confirmed.
    if (written.status !== 200)
      expect((await mesh.api.patch("users/me", { bio: "while it slept" }, access)).status).toBe(200);
    for (let turn = 0; turn < 20; turn++) {
      const answers = (await everywhere("users/me", "bio")) as Array<[number, unknown]>;
      for (const [status, bio] of answers) if (status === 200) expect(bio).toBe("while it slept");
    }
  });

  test("a read that overlaps an invalidation is not cached", async () => {
    const fresh = (await signIn(mesh, await register(mesh))).access;
    const read = () =>
      Promise.all(mesh.gateways.flatMap((one) => [one.get("users/me", fresh), one.get("users/me", fresh)]));
    const locked = await lockTable();
    const early = read();
    await eventually("a read under way at both nodes", async () => (await waiting("SELECT")) >= 2);
    const written = mesh.api.patch("users/me", { bio: "the write" }, fresh);
    await eventually("the write behind them", async () => (await waiting("UPDATE")) >= 1);
    await locked[Symbol.asyncDispose]();
    // On a busy machine, those beyond the two that were waiting reach the database only after the write.
    const beforeWrite = (await early).filter(({ body }) => body.data.bio === null);
    expect(beforeWrite.length).toBeGreaterThanOrEqual(2);
    expect((await written).status).toBe(200);
    for (let turn = 0; turn < 5; turn++) for (const { body } of await read()) expect(body.data.bio).toBe("the write");
  });

  test("a deleted role disappears at every node", async () => {
    const tenant = await newTenant(mesh, await vendorOf(mesh));
    await newRole(mesh, tenant, "gone", ["users:read"]);
    const member = await memberWith(mesh, tenant, ["gone"]);
    const shown = async (token: string) =>
      (await Promise.all(mesh.gateways.flatMap((one) => [one.get("users/me", token), one.get("users/me", token)]))).map(
        ({ body }) => body.data.roles,
      );
    expect(await shown(member.access)).toEqual(Array(4).fill(["gone", "user"]));
    expect((await mesh.api.delete("admin/roles/gone", tenant.admin.access)).status).toBe(200);
    const { access: renewed } = await refreshed(mesh, member);
    expect(await shown(renewed)).toEqual(Array(4).fill(["user"]));
  });
});
