import { argon2Sync, pbkdf2Sync, randomBytes, randomUUID } from "node:crypto";
import { stat } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import bcrypt from "bcrypt";
import { systemClock } from "../../../lib/runtime/clock.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import { createPerson } from "../../../scripts/seed/people.ts";
import { openHashReader } from "../../../services/auth/transfer/export-hashes.ts";
import { ndjson, newEmail, runExport, runImport, written } from "../../support/data/import.ts";
import { newTenant, signInTo, vendorOf, verdict } from "../../support/data/tenants.ts";
import { eventually } from "../../support/eventually.ts";
import { mailTo } from "../../support/flows/main-flow.ts";
import { aUser } from "../../support/start/broker.ts";
import { startUsermesh, type Usermesh } from "../../support/start/usermesh.ts";

const password = "Right-Horse-9A";

let usermesh: Usermesh;
beforeAll(async () => {
  usermesh = await startUsermesh();
});
afterAll(() => usermesh?.stop());

async function storedHash(email: string): Promise<string> {
  const [row] = await usermesh.database.query<{ secret: string }>(
    "SELECT c.secret FROM auth.credentials c JOIN users.users u ON u.id = c.user_id WHERE u.email = $1",
    [email],
  );
  return row?.secret ?? "";
}

function django(): string {
  const hash = pbkdf2Sync(password, "seasalt", 10_000, 32, "sha256").toString("base64");
  return `pbkdf2_sha256$10000$seasalt$${hash}`;
}

function argon2id(): string {
  const nonce = Buffer.from("some salt of 16b");
  const hash = argon2Sync("argon2id", {
    message: password,
    nonce,
    tagLength: 32,
    memory: 1_024,
    passes: 2,
    parallelism: 1,
  });
  const text = (bytes: Buffer) => bytes.toString("base64").replaceAll("=", "");
  return `$argon2id$v=19$m=1024,t=2,p=1$${text(nonce)}$${text(hash)}`;
}

describe("an imported account", () => {
  test.each([
    ["bcrypt", bcrypt.hashSync(password, 5), /^bcrypt-wrapped\.bcrypt:5\+4\$/],
    ["PHP's bcrypt", bcrypt.hashSync(password, 5).replace("$2b$", "$2y$"), /^bcrypt-wrapped\.bcrypt:5\+4\$/],
    ["Django", django(), /^bcrypt-wrapped\.pbkdf2:sha256:10000:32\+4\$/],
    ["argon2id", argon2id(), /^bcrypt-wrapped\.argon2id:1024:2:1\+4\$/],
  ])("signs in with its %s hash, which is then upgraded", async (_what, password_hash, form) => {
    const email = newEmail();
    const { imported } = await runImport(usermesh, await written([{ email, password_hash }]));
    expect(imported).toBe(1);
    expect(await storedHash(email)).toMatch(form);
    await signInTo(usermesh, "default", { email, password });
    expect(await storedHash(email)).toMatch(/^bcrypt-sha512_256\.4\$/);
    await signInTo(usermesh, "default", { email, password });
    const wrong = await usermesh.api.post("auth/login", { email, password: `${password}x` });
    expect(verdict(wrong)).toBe("401 invalid_credentials");
  });

  test("has its times in UTC, whatever offset its line gives them", async () => {
    const email = newEmail();
    const line = {
      email,
      created_at: "2015-03-04T05:06:07.089+05:30",
      last_login_at: "2020-01-01T23:30:00-01:00",
      subscription: { plan: "gold", expires_at: "2999-01-01T00:00:00+00:00" },
      password_hash: bcrypt.hashSync(password, 4),
    };
    await runImport(usermesh, await written([line]));
    const [row] = await usermesh.database.query(
      "SELECT u.created_at, u.last_login_at, s.expires_at FROM users.users u JOIN users.subscriptions s ON s.user_id = u.id WHERE u.email = $1",
      [email],
    );
    expect(row).toEqual({
      created_at: new Date("2015-03-03T23:36:07.089Z"),
      last_login_at: new Date("2020-01-02T00:30:00.000Z"),
      expires_at: new Date("2999-01-01T00:00:00.000Z"),
    });
  });

  test("without a hash can't sign in before a password reset", async () => {
    const email = newEmail();
    await runImport(usermesh, await written([{ email }]));
    expect(verdict(await usermesh.api.post("auth/login", { email, password }))).toBe("401 invalid_credentials");
    await usermesh.api.post("auth/password-reset-request", { email });
    await mailTo(usermesh, email, /reset-password/);
  });

  test("has the fields of its line and is found by searches", async () => {
    const email = newEmail();
    const word = `zq${randomBytes(5).toString("hex")}`;
    const line = {
      email,
      username: word,
      full_name: `Ada ${word}`,
      current_title: "Analyst",
      company: "Engines",
      location: "London",
      bio: "Notes.",
      is_verified: true,
      created_at: "2015-03-04T05:06:07.089Z",
      last_login_at: "2020-01-02T03:04:05.006Z",
      subscription: { plan: "gold", expires_at: null },
      profile: { phone: "+41791234567", date_of_birth: "1985-12-10", skills: ["analysis", word], headline: "First" },
      preferences: { remote: true, salary_min: 10, privacy_profile: "connections", privacy_location: false },
      password_hash: bcrypt.hashSync(password, 4),
    };
    await runImport(usermesh, await written([line]));
    const { access, id } = await signInTo(usermesh, "default", { email, password });
    const { api } = usermesh;
    const { profile, preferences, subscription, password_hash: _, last_login_at: __, ...account } = line;
    expect((await api.get("users/me", access)).body.data).toMatchObject({
      ...account,
      roles: ["user"],
      subscription: { tier: "premium", ...subscription },
    });
    expect((await api.get("users/me/profile", access)).body.data).toMatchObject(profile);
    expect((await api.get("users/me/preferences", access)).body.data).toMatchObject(preferences);
    const admin = await signInTo(usermesh, "default", usermesh.admin);
    const found = await api.get(`admin/users?search=${word}`, admin.access);
    expect(found.body.data.map((one: { id: string }) => one.id)).toEqual([id]);
    const [listed] = await usermesh.database.query(
      "SELECT names, words, location, skills FROM users.directory WHERE user_id = $1",
      [id],
    );
    expect(listed).toMatchObject({
      names: expect.stringContaining(word),
      skills: ["analysis", word],
      location: "london",
    });
  });

  test("that is disabled stays disabled", async () => {
    const email = newEmail();
    const line = { email, is_active: false, password_hash: bcrypt.hashSync(password, 4) };
    await runImport(usermesh, await written([line]));
    expect(verdict(await usermesh.api.post("auth/login", { email, password }))).toBe("403 account_disabled");
  });

  test("causes an event marked as imported, no mail, and one activity event per import", async () => {
    const emails = Array.from({ length: 30 }, newEmail);
    const slug = `t-${randomBytes(6).toString("hex")}`;
    await usermesh.database.query("INSERT INTO users.tenants (id, slug, name) VALUES (gen_random_uuid(), $1, $1)", [
      slug,
    ]);
    await runImport(usermesh, await written(emails.map((email) => ({ tenant: slug, email }))));
    await usermesh.settled();
    const events = await usermesh.database.query<{ body: object }>(
      "SELECT o.body FROM users.outbox o JOIN users.users u ON u.id = o.user_id WHERE u.email = ANY($1::text[])",
      [emails],
    );
    expect(events).toHaveLength(emails.length);
    for (const { body } of events)
      expect(body).toMatchObject({
        event_type: "user.created",
        version: 1,
        imported: true,
        is_verified: false,
        is_active: true,
      });
    // A token is created when the event is handled; there is none, so no mail is due.
    const tokens = await usermesh.database.query(
      "SELECT 1 FROM auth.one_time_tokens t JOIN users.users u ON u.id = t.user_id WHERE u.email = ANY($1::text[])",
      [emails],
    );
    expect(tokens).toEqual([]);
    const activity = await usermesh.database.query(
      "SELECT action, details FROM admin.activity a JOIN users.tenants t ON t.id = a.tenant_id WHERE t.slug = $1",
      [slug],
    );
    expect(activity).toEqual([{ action: "users.imported", details: { accounts: 30 } }]);
  });

  test("keeps its id, a UUID of any version, and its external id, by which it is found", async () => {
    const ids = [randomUUID(), randomUUID().toUpperCase(), newId(systemClock)];
    const lines = ids.map((id) => ({
      ...{ id, email: newEmail(), external_id: `auth0|${id}` },
      ...{ password_hash: bcrypt.hashSync(password, 4), preferences: { remote: true } },
    }));
    expect(await runImport(usermesh, await written(lines))).toMatchObject({ imported: 3, refused: 0 });
    const admin = await signInTo(usermesh, "default", usermesh.admin);
    for (const { id, email, external_id } of lines) {
      const { access, ...account } = await signInTo(usermesh, "default", { email, password });
      expect(account.id).toBe(id.toLowerCase());
      expect((await usermesh.api.get("users/me", access)).body.data).toMatchObject({ email, external_id });
      expect((await usermesh.api.get("users/me/preferences", access)).body.data.remote).toBe(true);
      const found = await usermesh.api.get(`admin/users?external_id=${encodeURIComponent(external_id)}`, admin.access);
      expect(found.body.data.map((one: { id: string }) => one.id)).toEqual([account.id]);
    }
    expect(await runImport(usermesh, await written(lines))).toMatchObject({ imported: 3, refused: 0 });
  });

  test("is not imported with an id that another account has or had, and takes nothing from that account", async () => {
    const [taken, erased] = [{ id: randomUUID(), email: newEmail(), external_id: newEmail() }, { id: randomUUID() }];
    await runImport(usermesh, await written([taken]));
    await usermesh.database.query("INSERT INTO users.erased (user_id) VALUES ($1)", [erased.id]);
    const password_hash = bcrypt.hashSync(password, 4);
    const twice = randomUUID();
    const lines = [
      {
        id: taken.id,
        email: newEmail(),
        password_hash,
        identities: [{ issuer: "https://id.example", sub: newEmail() }],
      },
      { external_id: taken.external_id, email: newEmail() },
      { ...erased, email: newEmail() },
      { id: "00000000-0000-0000-0000-000000000000", email: newEmail() },
      { id: twice, email: newEmail() },
      { id: twice, email: newEmail() },
    ];
    const { imported, report } = await runImport(usermesh, await written(lines));
    expect([imported, report.map(({ line, errors }) => [line, errors?.[0]?.code])]).toEqual([
      1,
      [
        [1, "id_taken"],
        [2, "external_id_taken"],
        [3, "account_erased"],
        [4, "invalid_id"],
        [6, "id_taken"],
      ],
    ]);
    const stored = (table: string) => usermesh.database.query(`SELECT FROM ${table} WHERE user_id = $1`, [taken.id]);
    expect([await stored("auth.credentials"), await stored("auth.identities")]).toEqual([[], []]);
  });

  test("keeps its linked providers, and takes none from another account", async () => {
    const identity = { issuer: "https://accounts.google.com/", sub: newEmail(), email: newEmail() };
    const [first, thief] = [newEmail(), newEmail()];
    const one = { email: first, identities: [identity, { issuer: "https://appleid.apple.com", sub: "1.abc" }] };
    const { report } = await runImport(usermesh, await written([one, { email: thief, identities: [identity] }]));
    expect(report.map(({ line, errors }) => [line, errors?.[0]?.code])).toEqual([[2, "identity_taken"]]);
    const lines = await ndjson<{ email: string; id: string; identities?: object[] }>(await runExport(usermesh));
    const exported = lines.find(({ email }) => email === first);
    expect(exported?.identities).toEqual([
      { ...identity, issuer: "https://accounts.google.com" },
      { issuer: "https://appleid.apple.com", sub: "1.abc", email: null },
    ]);
    const owners = await usermesh.database.query("SELECT user_id FROM auth.identities WHERE sub = $1", [identity.sub]);
    expect(owners).toEqual([{ user_id: exported?.id }]);
    expect(lines.some(({ email }) => email === thief)).toBe(false);
  });

  test("belongs to the tenant of its line; another tenant may have the same address", async () => {
    const vendor = await vendorOf(usermesh);
    const [first, second] = [await newTenant(usermesh, vendor), await newTenant(usermesh, vendor)];
    const email = newEmail();
    const line = (tenant: string, name: string) => ({ tenant, email, full_name: name });
    const { imported } = await runImport(usermesh, await written([line(first.slug, "One"), line(second.slug, "Two")]));
    expect(imported).toBe(2);
    for (const [tenant, name] of [
      [first, "One"],
      [second, "Two"],
    ] as const) {
      const { body } = await usermesh.api.get(`admin/users?search=${email}`, tenant.admin.access);
      expect(body.data.map((one: { full_name: string }) => one.full_name)).toEqual([name]);
    }
    const lines = await ndjson<{ email: string; tenant: string }>(await runExport(usermesh, { tenant: first.slug }));
    expect(lines.map(({ tenant }) => tenant)).toEqual([first.slug, first.slug]);
  });
});

describe("import and export", () => {
  const actions = [
    ["users.importable", { accounts: [] }],
    ["users.import", { batch: "0198f7a2-6a3c-7cc1-a2f4-3b1c9d0e5f60", accounts: [] }],
    ["auth.importCredentials", { credentials: [] }],
    ["auth.importIdentities", { accounts: [] }],
    ["auth.exportIdentities", { user_ids: [] }],
    ["preferences.import", { preferences: [] }],
    ["users.exportAccounts", { after: null }],
    ["preferences.exportOverrides", { user_ids: [] }],
  ] as const;
  const unauthorizedCallers = [
    [
      "a user with every permission",
      aUser({ permissions: ["import:write", "export:read", "users:write", "platform:act"] }),
    ],
    ["an anonymous caller", { kind: "anonymous", tenant: "default" }],
    ["another service", { kind: "service", name: "auth" }],
  ] as const;
  test.each(unauthorizedCallers)("reject %s", async (_who, caller) => {
    for (const [name, params] of actions)
      await expect(usermesh.call(name, params as never, caller)).rejects.toMatchObject({ status: 403 });
  });

  test("an import can't export, and an export can't import", async () => {
    for (const [name, params] of actions) {
      const other = name.includes("xport") ? "import" : "export";
      await expect(usermesh.call(name, params as never, { kind: "service", name: other })).rejects.toMatchObject({
        status: 403,
      });
    }
  });

  test("copy all accounts to a new installation, whose export is identical", async () => {
    const hash = bcrypt.hashSync(password, 4);
    const people = Array.from({ length: 600 }, (_, n) => createPerson(7, n, hash));
    await runImport(usermesh, await written(people));
    // Their hash is upgraded by the sign-in.
    const active = people.find((one) => one.is_active);
    await signInTo(usermesh, "default", { email: active?.email ?? "", password });
    await eventually("all hashes being wrapped", async () => {
      const weak = await usermesh.database.query("SELECT 1 FROM auth.credentials WHERE secret LIKE 'foreign%' LIMIT 1");
      return weak.length === 0;
    });
    const original = await exported(usermesh, "default");
    const fresh = await startUsermesh();
    try {
      const admin = original.filter(({ email }) => email !== fresh.admin.email);
      const { imported, report } = await runImport(fresh, await written(admin));
      expect(report).toEqual([]);
      expect(imported).toBe(admin.length);
      const copied = await exported(fresh, "default");
      expect(copied.filter(({ email }) => email !== fresh.admin.email)).toEqual(admin);
      await signInTo(fresh, "default", { email: active?.email ?? "", password });
    } finally {
      await fresh.stop();
    }
  });

  test("an exported file is readable by its owner only, and overwrites no other file", async () => {
    const file = await runExport(usermesh);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const lines = await ndjson<object>(file);
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.filter((line) => "password_hash" in line)).toEqual([]);
    await expect(runExport(usermesh, { file })).rejects.toThrow("exists already, and is not overwritten");
    expect(await ndjson(file)).toEqual(lines);
  });

  async function exported(from: Usermesh, tenant: string): Promise<Array<Record<string, unknown> & { email: string }>> {
    const hashes = await openHashReader(from.platform);
    try {
      return await ndjson(await runExport(from, { tenant, hashes }));
    } finally {
      await hashes.close();
    }
  }
});
