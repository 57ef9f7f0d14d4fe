import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Client } from "pg";
import { type Search, searchPeople } from "../../../services/users/directory/people.repo.ts";
import { createTestDatabase, type TestDatabase } from "../../support/start/database.ts";

const PEOPLE = 100_000;
const tenantId = "00000000-0000-7000-8000-000000000001";
const viewer = { id: tenantId, tenantId, asConnection: false };

let database: TestDatabase;
let client: Client;
beforeAll(async () => {
  database = await createTestDatabase();
  client = new Client({ connectionString: database.url });
  await client.connect();
  await database.query(`
    ALTER TABLE users.users DISABLE TRIGGER USER;
    INSERT INTO users.users (id, tenant_id, email, email_key, full_name, current_title, company, location, search_text, privacy_profile)
    SELECT ('01990000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, '${tenantId}', n || '@example.com', n || '@example.com',
      initcap(substr(md5(n::text), 1, 9)) || ' ' || initcap(translate(substr(md5((n * 7)::text), 1, 8), '0123456789', 'ghijklmnop')),
      (ARRAY['Software Engineer', 'Nurse', 'Accountant', 'Teacher', 'Baker'])[1 + n % 5], 'Company ' || n % 1000,
      (ARRAY['Berlin', 'Paris', 'San Francisco, CA', 'Oslo'])[1 + n % 4] || ' ' || n % 300, n::text,
      CASE n % 10 WHEN 0 THEN 'private' ELSE 'public' END
    FROM generate_series(1, ${PEOPLE}) AS n;
    UPDATE users.users SET full_name = 'Ada Zimmermann' WHERE email_key ~ '^[0-9]*[37]1@';
    UPDATE users.users SET full_name = 'Zephyrine Quandt' WHERE email_key = '4711@example.com';
    INSERT INTO users.directory (user_id, tenant_id, names, words, industry, location, skills)
    SELECT id, tenant_id, users.fold(full_name), users.fold(concat_ws(E'\\n', full_name, current_title, company, 'TypeScript', 'PostgreSQL', 'Kubernetes',
        'Typography', 'Prototyping', 'Medication safety', 'Team leadership', 'Public speaking', 'Curriculum')),
      'industry ' || substr(company, 9), users.fold(location), ARRAY['skill ' || right(email_key, 14), users.fold(current_title)]
    FROM users.users;
    ALTER TABLE users.users ENABLE TRIGGER USER;
    ANALYZE users.users; ANALYZE users.directory;`);
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

const asked = (more: Partial<Search>): Search => ({
  viewer,
  words: [],
  industry: null,
  location: null,
  skills: [],
  limit: 20,
  offset: 0,
  ...more,
});

/** A search's own transaction, over a connection of the test. */
async function searching(search: Search, statement: (sql: string, values: readonly unknown[]) => Promise<unknown[]>) {
  const on = {
    transaction: async (work: (tx: unknown) => Promise<unknown>) => {
      await client.query("BEGIN");
      return work({ query: (sql: string, values: readonly unknown[] = []) => statement(sql, values) }).finally(() =>
        client.query("COMMIT"),
      );
    },
  };
  return searchPeople(on as unknown as Parameters<typeof searchPeople>[0], search);
}

const run = async (sql: string, values: readonly unknown[]) => (await client.query(sql, [...values])).rows;

/** What the database says that it does for that very statement, with the time it took. */
async function explained(search: Search): Promise<{ plan: string; milliseconds: number }> {
  let plan = "";
  await searching(search, async (sql, values) => {
    if (!sql.startsWith("WITH")) return run(sql, values);
    plan = (await run(`EXPLAIN (ANALYZE) ${sql}`, values)).map((row) => row["QUERY PLAN"]).join("\n");
    return [];
  });
  return { plan, milliseconds: Number(/Execution Time: ([\d.]+)/.exec(plan)?.[1]) };
}

describe(`a search among ${PEOPLE} people`, () => {
  test.each<[string, Partial<Search>]>([
    ["a rare name", { words: ["zephyrine"] }],
    ["a rare name with a wrong letter", { words: ["zephirine"] }],
    ["two words", { words: ["zephyrine", "quandt"] }],
    ["a title that a fifth of all have", { words: ["engineer"] }],
    ["a title that a fifth of all have with a wrong letter", { words: ["accountent"] }],
    ["the beginning of a word", { words: ["zeph"] }],
    ["a short word", { words: ["qu"] }],
    ["an industry", { industry: "Industry 77" }],
    ["a skill that a fifth of all have", { skills: ["Nurse"] }],
    ["a place", { location: "francisco" }],
    ["a word, a place and a skill", { words: ["nurse"], location: "oslo", skills: ["Nurse"] }],
    ["nothing at all", {}],
    ["a deep page", { words: ["engineer"], offset: 900 }],
  ])("for %s reads no table from end to end", async (what, search) => {
    const { plan, milliseconds } = await explained(asked(search));
    expect(plan).not.toContain("Seq Scan");
    process.stdout.write(`${what}: ${milliseconds} ms\n`);
    expect(milliseconds).toBeLessThan(2_000);
  });

  test("for a misspelled name that one in fifty has uses the index of words", async () => {
    const { plan } = await explained(asked({ words: ["zimmermenn"] }));
    expect(plan).toContain("Bitmap Index Scan on directory_words");
  });

  test("finds a misspelled name, and no private account", async () => {
    const { people } = await searching(asked({ words: ["zephirine"] }), run);
    expect(people.map((one) => one.full_name)).toContain("Zephyrine Quandt");
    const [hidden] = await database.query<{ full_name: string }>(
      "SELECT full_name FROM users.users WHERE privacy_profile = 'private' LIMIT 1",
    );
    const words = String(hidden?.full_name).toLowerCase().split(" ");
    expect((await searching(asked({ words }), run)).people.map((one) => one.full_name)).not.toContain(
      hidden?.full_name,
    );
  });
});
