import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { v7 } from "uuid";
import { systemClock } from "../../../lib/runtime/clock.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import { auth, newTenant, newUser, outcome, startUsers, type UserServices } from "../../support/start/user-services.ts";

let mesh: UserServices;
beforeAll(async () => {
  mesh = await startUsers(["users", "sessions"]);
});
afterAll(() => mesh.stop());

const typeOf = (promise: Promise<unknown>) =>
  promise.then(() => "done").catch((error: { type?: string }) => error.type ?? String(error));

describe("an account is created", () => {
  test("with default values", async () => {
    const params = newUser({ username: "Ada.L", full_name: "Ada Lovelace", push_token: "push" });
    const { user } = await mesh.as("auth", "users.create", params);
    expect(user).toMatchObject({
      id: params.id,
      email: params.email,
      username: "Ada.L",
      is_active: true,
      is_verified: false,
      has_push_token: true,
      roles: ["user"],
    });
    expect(user.subscription).toEqual({ tier: "basic", plan: null, expires_at: null });
  });

  test("with the event user.created, which has email and name", async () => {
    const user = await mesh.create({ full_name: "Grace Hopper" });
    expect(await mesh.facts(user.id)).toMatchObject([
      {
        event_type: "user.created",
        source: "users",
        version: 1,
        email: user.email,
        name: "Grace Hopper",
        tenant_id: user.tenant_id,
      },
    ]);
  });

  test("once for 20 concurrent requests with one email", async () => {
    const email = newUser().email;
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => mesh.create({ email })));
    expect(results.map(outcome).sort()).toEqual(["done", ...Array.from({ length: 19 }, () => "email_taken")]);
  });

  test("once for 20 concurrent requests with one username", async () => {
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => mesh.create({ username: "highlander" })));
    expect(results.map(outcome).sort()).toEqual(["done", ...Array.from({ length: 19 }, () => "username_taken")]);
  });

  test("once per id: a repeat resolves to the same account without another event", async () => {
    const params = newUser({ username: "once.only" });
    const first = await mesh.as("auth", "users.create", params);
    expect(await mesh.as("auth", "users.create", params)).toEqual(first);
    expect(await mesh.facts(params.id)).toHaveLength(1);
  });

  test("not with the id of another account", async () => {
    const user = await mesh.create();
    expect(await typeOf(mesh.create({ id: user.id }))).toBe("conflict");
  });

  test("not with an id older than ten minutes", async () => {
    const old = v7({ msecs: Date.now() - 10 * 60_000 - 1_000 });
    expect(await typeOf(mesh.create({ id: old }))).toBe("service_unavailable");
  });

  test("not with an id that contains no time", async () => {
    expect(await typeOf(mesh.create({ id: "8f14e45f-ceea-467f-a9c0-1b2c3d4e5f60" }))).toBe("validation_failed");
  });

  test("not in an unknown tenant", async () => {
    await expect(mesh.create({ tenant: "nowhere" })).rejects.toMatchObject({
      type: "validation_failed",
      data: { errors: [{ field: "tenant", code: "unknown_tenant" }] },
    });
  });

  test("not after its erasure", async () => {
    const id = newId(systemClock);
    await mesh.database.query("INSERT INTO users.erased (user_id) VALUES ($1)", [id]);
    expect(await typeOf(mesh.create({ id }))).toBe("account_erased");
  });

  test("with the same email in each tenant", async () => {
    const [one, other] = [await newTenant(mesh.database), await newTenant(mesh.database)];
    const email = newUser().email;
    const users = [await mesh.create({ email, tenant: one.slug }), await mesh.create({ email, tenant: other.slug })];
    expect(users.map((user) => user.tenant_id)).toEqual([one.id, other.id]);
  });

  test("with the roles of the seeded administrator", async () => {
    const user = await mesh.create({ roles: ["admin", "vendor"], is_verified: true });
    expect(user).toMatchObject({ roles: ["admin", "user", "vendor"], is_verified: true });
  });

  test("not with a role the tenant does not have", async () => {
    const { slug } = await newTenant(mesh.database);
    expect(await typeOf(mesh.create({ tenant: slug, roles: ["vendor"] }))).toBe("validation_failed");
    expect(await typeOf(mesh.create({ roles: ["emperor"] }))).toBe("validation_failed");
  });
});

describe("uniqueness ignores case", () => {
  const taken = async (first: string, second: string) => {
    await mesh.create({ email: first });
    return typeOf(mesh.create({ email: second }));
  };

  test("an email in capital letters is taken", async () => {
    expect(await taken("mixed@example.com", "MIXED@Example.COM")).toBe("email_taken");
  });

  test("İ equals i with a dot above, by JavaScript's rules", async () => {
    expect(await taken("İstanbul@example.com", "i\u0307stanbul@example.com")).toBe("email_taken");
    expect(await typeOf(mesh.create({ email: "istanbul@example.com" }))).toBe("done");
  });

  test("ß differs from ss", async () => {
    expect(await taken("straße@example.com", "strasse@example.com")).toBe("done");
  });

  test("full-width letters equal plain ones", async () => {
    expect(await taken("ｗｉｄｅ@example.com", "wide@example.com")).toBe("email_taken");
  });

  test("an email whose key is too long for an index entry is refused", async () => {
    const ligatures = Array.from({ length: 190 }, (_, index) => (index % 2 ? "\ufdfa" : "\ufdfb")).join("");
    expect(await typeOf(mesh.create({ email: `a@${ligatures}.example` }))).toBe("validation_failed");
  });
});

describe("a keyed creation", () => {
  test("repeated 50 times concurrently creates one account, one event, one answer", async () => {
    const email = newUser().email;
    const results = await Promise.allSettled(
      Array.from({ length: 50 }, () => mesh.keyed("fifty", "users.create", newUser({ email }), auth, { email })),
    );
    const answers = results.flatMap((one) => (one.status === "fulfilled" ? [one.value.user] : []));
    const refusals = new Set(results.map(outcome).filter((one) => one !== "done"));
    expect([...refusals].filter((one) => one !== "request_in_progress" && one !== "service_unavailable")).toEqual([]);
    expect(answers.length).toBeGreaterThan(0);
    expect(new Set(answers.map((user) => JSON.stringify(user))).size).toBe(1);
    expect(await mesh.facts(answers[0]?.id ?? "")).toHaveLength(1);
    expect(await mesh.database.query("SELECT id FROM users.users WHERE email = $1", [email])).toHaveLength(1);
  });

  test("with another body is refused", async () => {
    await mesh.keyed("bodies", "users.create", newUser(), auth, 1);
    expect(await typeOf(mesh.keyed("bodies", "users.create", newUser(), auth, 2))).toBe("idempotency_key_reused");
  });

  test("keeps a 409 even if the email becomes free", async () => {
    const { id, email } = await mesh.create();
    expect(await typeOf(mesh.keyed("kept", "users.create", newUser({ email }), auth, email))).toBe("email_taken");
    await mesh.database.query("DELETE FROM users.users WHERE id = $1", [id]);
    expect(await typeOf(mesh.keyed("kept", "users.create", newUser({ email }), auth, email))).toBe("email_taken");
  });
});

test("bidirectional marks and 4-byte characters in a name are stored as typed", async () => {
  const full_name = "\u202eevil\u202c 👩‍🚀 <b>=1+1</b>";
  expect((await mesh.create({ full_name })).full_name).toBe(full_name);
});

test("a NUL in a name is refused", async () => {
  expect(await typeOf(mesh.create({ full_name: "a\0b" }))).toBe("validation_failed");
});

test("only auth may create accounts", async () => {
  expect(await typeOf(mesh.as("sessions", "users.create", newUser()))).toBe("forbidden");
});
