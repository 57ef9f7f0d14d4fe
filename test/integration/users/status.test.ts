import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { UserCaller } from "../../../lib/actions/caller.ts";
import { systemClock } from "../../../lib/runtime/clock.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import { type Account, adminOf, newTenant, startUsers, type UserServices } from "../../support/start/user-services.ts";

const set = (mesh: UserServices, admin: UserCaller, id: string, is_active: boolean, reason?: string) =>
  mesh.call("users.setStatus", { id, is_active, ...(reason !== undefined && { reason }) }, admin);
const typesOf = async (mesh: UserServices, user: Account) => (await mesh.facts(user.id)).map((fact) => fact.event_type);

async function pair(mesh: UserServices): Promise<{ admin: UserCaller; user: Account }> {
  return { admin: adminOf(await mesh.create({ roles: ["admin"] })), user: await mesh.create() };
}

describe("with sessions available", () => {
  let mesh: UserServices;
  beforeAll(async () => {
    mesh = await startUsers(["users", "sessions"]);
  });
  afterAll(() => mesh.stop());

  async function signIn(user: Account): Promise<string> {
    const { epoch } = await mesh.as("auth", "sessions.epoch", { user_id: user.id });
    const grant = await mesh.as("auth", "sessions.create", {
      id: newId(systemClock),
      user_id: user.id,
      tenant_id: user.tenant_id,
      epoch,
      amr: ["pwd"],
    });
    return grant.refresh_token;
  }

  test("deactivation answers after all sessions are revoked", async () => {
    const { admin, user } = await pair(mesh);
    const refresh_token = await signIn(user);
    expect(await set(mesh, admin, user.id, false, "spam")).toMatchObject({ is_active: false });
    await expect(mesh.as("auth", "sessions.refresh", { refresh_token })).rejects.toMatchObject({
      type: expect.stringMatching(/session_ended|refresh_token_invalid/),
    });
    expect((await mesh.facts(user.id)).at(-1)).toMatchObject({
      event_type: "user.deactivated",
      reason: "spam",
      actor_id: admin.user_id,
    });
  });

  test("a sign-in after reactivation survives the delayed event of the deactivation", async () => {
    const { admin, user } = await pair(mesh);
    await set(mesh, admin, user.id, false);
    expect(await set(mesh, admin, user.id, true)).toMatchObject({ is_active: true });
    const refresh_token = await signIn(user);
    await mesh.settled();
    await expect(mesh.as("auth", "sessions.refresh", { refresh_token })).resolves.toMatchObject({ user_id: user.id });
  });

  test("an unchanged status records no event", async () => {
    const { admin, user } = await pair(mesh);
    await set(mesh, admin, user.id, true);
    await set(mesh, admin, user.id, false);
    await set(mesh, admin, user.id, false);
    expect(await typesOf(mesh, user)).toEqual(["user.created", "user.deactivated"]);
  });

  test("users can't deactivate themselves", async () => {
    const { admin } = await pair(mesh);
    await expect(set(mesh, admin, admin.user_id, false)).rejects.toMatchObject({ type: "forbidden" });
  });

  test("another tenant's account is not found", async () => {
    const { admin } = await pair(mesh);
    const stranger = await mesh.create({ tenant: (await newTenant(mesh.database)).slug });
    await expect(set(mesh, admin, stranger.id, false)).rejects.toMatchObject({ type: "not_found" });
  });

  test("a keyed repeat after reactivation does not deactivate the account", async () => {
    const { admin, user } = await pair(mesh);
    const disable = () => mesh.keyed("disable-once", "users.setStatus", { id: user.id, is_active: false }, admin);
    const first = await disable();
    await set(mesh, admin, user.id, true);
    const refresh_token = await signIn(user);
    expect(await disable()).toEqual(first);
    expect((await mesh.as("auth", "users.get", { id: user.id }))?.is_active).toBe(true);
    await expect(mesh.as("auth", "sessions.refresh", { refresh_token })).resolves.toMatchObject({ user_id: user.id });
  });
});

describe("with sessions unavailable", () => {
  let mesh: UserServices;
  beforeAll(async () => {
    mesh = await startUsers(["users"]);
  });
  afterAll(() => mesh.stop());

  test("deactivation commits, and answers that it is not confirmed", async () => {
    const { admin, user } = await pair(mesh);
    await expect(set(mesh, admin, user.id, false)).rejects.toMatchObject({ type: "revocation_pending" });
    expect((await mesh.as("auth", "users.get", { id: user.id }))?.is_active).toBe(false);
    expect(await typesOf(mesh, user)).toEqual(["user.created", "user.deactivated"]);
  });

  test("a repeat is not confirmed either, keyed or not", async () => {
    const { admin, user } = await pair(mesh);
    const keyed = () => mesh.keyed(`away-${user.id}`, "users.setStatus", { id: user.id, is_active: false }, admin);
    for (const attempt of [keyed, keyed, () => set(mesh, admin, user.id, false)])
      await expect(attempt()).rejects.toMatchObject({ type: "revocation_pending" });
    expect(await typesOf(mesh, user)).toEqual(["user.created", "user.deactivated"]);
  });

  test("reactivation commits too, unconfirmed because of the caches", async () => {
    const { admin, user } = await pair(mesh);
    await set(mesh, admin, user.id, false).catch(() => undefined);
    await expect(set(mesh, admin, user.id, true)).rejects.toMatchObject({ type: "revocation_pending" });
    expect((await mesh.as("auth", "users.get", { id: user.id }))?.is_active).toBe(true);
  });
});
