import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { newEmail, runImport, type Written, written } from "../../support/data/import.ts";
import { newMember } from "../../support/data/tenants.ts";
import { startUsermesh, type Usermesh } from "../../support/start/usermesh.ts";

const GOOD = 2_400;
const bcryptOf = (cost: string) => `$2b$${cost}$${"a".repeat(21)}.${"b".repeat(31)}`;

let usermesh: Usermesh;
beforeAll(async () => {
  usermesh = await startUsermesh();
});
afterAll(() => usermesh?.stop());

describe("a file with every kind of bad line", () => {
  const taken = newEmail();
  const takenName = `n-${randomBytes(8).toString("hex")}`;
  const first = newEmail();
  const field = (name: string, code: string) => ({ code: "validation_failed", errors: [{ field: name, code }] });
  const withField = (more: object) => ({ email: newEmail(), ...more });
  const bad: ReadonlyArray<readonly [line: Written, refused: object]> = [
    ["{", { code: "invalid_json" }],
    ["[1, 2]", { code: "validation_failed" }],
    ['"a text"', { code: "validation_failed" }],
    [`{"email": "${newEmail()}", "__proto__": {"roles": ["admin"]}}`, { code: "invalid_json" }],
    [`{"email": "${newEmail()}", "\\u005f_proto__": {"roles": ["admin"]}}`, { code: "invalid_json" }],
    [`{"a": ${"[".repeat(50_000)}`, { code: "invalid_json" }],
    [`{"email": "${newEmail()}", "bio": "${"x".repeat(300_000)}"}`, { code: "unreadable_line" }],
    [{}, field("email", "required")],
    [{ email: "invalid" }, field("email", "invalid_email")],
    [{ email: `${"x".repeat(60)}@${"y".repeat(220)}.com` }, field("email", "too_long")],
    [withField({ username: "x" }), field("username", "too_short")],
    [withField({ full_name: "Ada\u0000" }), field("full_name", "invalid_characters")],
    [withField({ nickname: "ada" }), field("nickname", "unknown_field")],
    [withField({ roles: ["admin"] }), field("roles", "not_importable")],
    [withField({ role: "admin" }), field("role", "not_importable")],
    [withField({ permissions: ["platform:act"] }), field("permissions", "not_importable")],
    [withField({ id: "auth0|5f7c8ec7c33c6c004bbafe82" }), field("id", "invalid_format")],
    [withField({ identities: [{ issuer: "google", sub: "1" }] }), field("identities.0.issuer", "invalid_format")],
    [
      withField({ identities: [{ issuer: "https://id.example", sub: "" }] }),
      field("identities.0.sub", "invalid_format"),
    ],
    [withField({ is_verified: "yes" }), field("is_verified", "invalid_type")],
    [withField({ created_at: "yesterday" }), field("created_at", "invalid_format")],
    [withField({ created_at: "0000-01-01T00:00:00Z" }), field("created_at", "too_old")],
    [withField({ created_at: "2999-01-01T00:00:00.000Z" }), field("created_at", "in_the_future")],
    [withField({ last_login_at: "2999-01-01T00:00:00.000Z" }), field("last_login_at", "in_the_future")],
    [withField({ profile: { date_of_birth: "2999-01-01" } }), field("profile.date_of_birth", "in_the_future")],
    [withField({ profile: { skills: "none" } }), field("profile.skills", "invalid_type")],
    [withField({ profile: { shoe_size: 44 } }), field("profile.shoe_size", "unknown_field")],
    [withField({ preferences: { timezone: "Mars/Base" } }), { code: "validation_failed" }],
    [withField({ preferences: { age_min: 70 } }), field("preferences.age_min", "above_maximum")],
    [withField({ tenant: "Not A Slug" }), field("tenant", "invalid_format")],
    [withField({ tenant: "nowhere" }), { code: "unknown_tenant" }],
    [withField({ password_hash: "5f4dcc3b5aa765d61d8327deb882cf99" }), field("password_hash", "unknown_scheme")],
    [withField({ password_hash: bcryptOf("10").slice(0, -1) }), field("password_hash", "malformed")],
    [withField({ password_hash: bcryptOf("15") }), field("password_hash", "too_costly")],
    [
      withField({ password_hash: `pbkdf2_sha256$2000001$salt$${Buffer.alloc(32).toString("base64")}` }),
      field("password_hash", "too_costly"),
    ],
    [
      withField({ password_hash: `$argon2id$v=19$m=262145,t=2,p=1$c29tZXNhbHQ$${"A".repeat(43)}` }),
      field("password_hash", "too_costly"),
    ],
    [withField({ password_hash: "x".repeat(2_049) }), field("password_hash", "too_long")],
    [{ email: taken.toUpperCase() }, { code: "email_taken" }],
    [withField({ username: takenName.toUpperCase() }), { code: "username_taken" }],
    [{ email: first.toUpperCase() }, { code: "email_taken" }],
  ];
  // A bad line follows every 50 good ones, so that they are spread over batches.
  const lines: Written[] = [{ email: first }, "", "   "];
  const expected: object[] = [];
  for (let n = 1; n < GOOD; n += 1) {
    lines.push({ email: newEmail(), full_name: `Person ${n}` });
    const [line, refused] = (n % 50 === 0 && bad[n / 50 - 1]) || [];
    if (line === undefined) continue;
    lines.push(line);
    expected.push({ line: lines.length, ...refused });
  }

  test("is imported without these; each is reported with its line and reason", async () => {
    expect(expected).toHaveLength(bad.length);
    const seeded = { email: taken, password: "Right-Horse-9A" };
    await newMember({ ...usermesh }, "default", seeded);
    await usermesh.database.query("UPDATE users.users SET username = $2, username_key = $2 WHERE email = $1", [
      taken,
      takenName,
    ]);
    const before = await accounts();
    const { imported, refused, report } = await runImport(usermesh, await written(lines));
    expect(report).toMatchObject(expected);
    expect({ imported, refused }).toEqual({ imported: GOOD, refused: bad.length });
    expect((await accounts()) - before).toBe(GOOD);
  });

  test("has a report that does not quote them", async () => {
    const { report } = await runImport(usermesh, await written([{ email: "secret-name-of-a-user", bio: 5 }]));
    expect(report).toHaveLength(1);
    expect(JSON.stringify(report)).not.toContain("secret-name");
  });

  test("is limited by the account limit of a tenant", async () => {
    const slug = `t-${randomBytes(6).toString("hex")}`;
    await usermesh.database.query(
      `INSERT INTO users.tenants (id, slug, name, settings) VALUES (gen_random_uuid(), $1, $1, '{"max_users": 3}')`,
      [slug],
    );
    const five = Array.from({ length: 5 }, () => ({ tenant: slug, email: newEmail() }));
    const { imported, report } = await runImport(usermesh, await written(five));
    expect(imported).toBe(3);
    expect(report.map(({ line, code }) => [line, code])).toEqual([
      [4, "tenant_limit_reached"],
      [5, "tenant_limit_reached"],
    ]);
    const there = await usermesh.database.query<{ email: string }>(
      "SELECT email FROM users.users u JOIN users.tenants t ON t.id = u.tenant_id WHERE t.slug = $1",
      [slug],
    );
    expect(there.map(({ email }) => email).sort()).toEqual(
      five
        .slice(0, 3)
        .map(({ email }) => email)
        .sort(),
    );
  });

  async function accounts(): Promise<number> {
    const [row] = await usermesh.database.query<{ n: number }>("SELECT count(*)::int AS n FROM users.users");
    return row?.n ?? -1;
  }
});
