import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { hold } from "../../support/data/database-reads.ts";
import { vendorOf } from "../../support/data/tenants.ts";
import { eventually } from "../../support/eventually.ts";
import { startUsermesh, type Usermesh } from "../../support/start/usermesh.ts";

const SIGN_INS = 500;

let mesh: Usermesh;
let vendor: string;
beforeAll(async () => {
  mesh = await startUsermesh();
  vendor = await vendorOf(mesh);
  await mesh.settled();
  await mesh.database.query(
    `INSERT INTO admin.activity (id, tenant_id, action, at)
     SELECT gen_random_uuid(), gen_random_uuid(), CASE WHEN n <= $1 THEN 'session.created' ELSE 'user.updated' END,
       now() - n * interval '1 s' FROM generate_series(1, 40000) AS n`,
    [SIGN_INS],
  );
  await mesh.database.query("VACUUM ANALYZE admin.activity");
});
afterAll(() => mesh?.stop());

async function scans(): Promise<{ index: number; table: number }> {
  const sql = `SELECT i.idx_scan::int AS index, t.seq_scan::int AS table FROM pg_stat_user_indexes i
    JOIN pg_stat_user_tables t USING (relid) WHERE i.indexrelname = 'activity_sign_ins'`;
  const [row] = await mesh.database.query<{ index: number; table: number }>(sql);
  return row ?? { index: -1, table: -1 };
}

test("the sign-ins of a day are counted with an index-only scan", async () => {
  const before = await scans();
  const { body } = await mesh.api.get("admin/metrics", vendor);
  expect(body.data.logins.last_24_hours).toBeGreaterThanOrEqual(SIGN_INS);
  await eventually("the database's statistics", async () => (await scans()).index > before.index);
  expect((await scans()).table).toBe(before.table);
});

test("twenty concurrent requests for the metrics cause one count", async () => {
  const counting = async () => {
    const sql = `SELECT count(*)::int AS n FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%FROM admin.activity%'`;
    return (await mesh.database.query<{ n: number }>(sql))[0]?.n ?? 0;
  };
  const look = () => mesh.api.get("admin/metrics", vendor);
  // The metrics of the previous test are cached for some seconds.
  const answers = await eventually("a count", async () => {
    await using _ = await hold(mesh, "LOCK TABLE admin.activity IN ACCESS EXCLUSIVE MODE");
    const first = look();
    const isCounting = await eventually("it", async () => (await counting()) > 0, { within: 1_000, every: 10 }).catch(
      () => false,
    );
    if (!isCounting) return false;
    const others = Array.from({ length: 19 }, look);
    await mesh.api.get("admin/mesh", vendor);
    expect(await counting()).toBe(1);
    return [first, ...others];
  });
  expect(new Set((await Promise.all(answers)).map(({ status }) => status))).toEqual(new Set([200]));
});
