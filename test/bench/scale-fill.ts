import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { writePeople } from "../../scripts/seed/write-people.ts";
import { asOwner, environmentOf, type ScaleDatabase } from "./scale-system.ts";

interface Filling {
  readonly dir: string;
  readonly size: number;
  readonly say: (line: string) => void;
}

/** One among all of them, for a search that finds her. */
const rare = { email: "zephyrine@example.com", username: "zephyrine", full_name: "Zephyrine Quandt" };

/** Accounts by `npm run import`; a session and an entry in the activity log for each, written straight in. */
export async function fill(database: ScaleDatabase, { dir, size, say }: Filling): Promise<void> {
  if (await isFilled({ ...database, dir }, size)) return;
  const file = join(dir, "people.ndjson");
  for (const left of [file, `${file}.refused.ndjson`]) await rm(left, { force: true });
  await writePeople(file, { count: size - 1, seed: size, hashCost: 4 });
  await appendFile(file, `${JSON.stringify(rare)}\n`);
  const began = performance.now();
  const memory = await importWatched(database, file);
  const seconds = (performance.now() - began) / 1_000;
  say(
    `${size} accounts in ${seconds.toFixed(0)} s, ${Math.round(size / seconds)}/s; the importing process: ${told(memory)}`,
  );
  await addCompany(database);
}

/** The entries in the activity log are written last. */
async function isFilled(
  { dir, ...database }: ScaleDatabase & { readonly dir: string },
  size: number,
): Promise<boolean> {
  const count =
    "SELECT (SELECT count(*) FROM users.users)::int AS people, (SELECT count(*) FROM admin.activity)::int AS entries";
  const [row] = await asOwner(database, count).catch(() => []);
  if (Number(row?.people ?? 0) < size) return false;
  if (Number(row?.entries) < size) throw new Error(`Filling ${dir} was interrupted. Delete it and start again.`);
  return true;
}

const SAMPLE_MS = 500;

/** Resident memory in MB, every half second. */
async function importWatched(database: ScaleDatabase, file: string): Promise<number[]> {
  const args = ["--require", "./scripts/environment.cjs", "scripts/import.ts", file];
  const child = spawn(process.execPath, args, { env: environmentOf(database), stdio: ["ignore", "ignore", "inherit"] });
  const samples: number[] = [];
  const timer = setInterval(async () => samples.push(...(await residentMegabytes(child))), SAMPLE_MS);
  const [code] = await once(child, "exit").finally(() => clearInterval(timer));
  if (code !== 0) throw new Error(`The import ended with ${code}`);
  return samples;
}

async function residentMegabytes({ pid }: ChildProcess): Promise<number[]> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  const kilobytes = /VmRSS:\s+(\d+)/.exec(status)?.[1];
  return kilobytes === undefined ? [] : [Number(kilobytes) / 1_024];
}

function told(memory: readonly number[]): string {
  const third = Math.floor(memory.length / 3);
  const middle = (part: readonly number[]) => Math.round(part.toSorted((a, b) => a - b)[part.length >> 1] ?? 0);
  return `${middle(memory.slice(0, third))} MB in the first third, ${middle(memory.slice(-third))} MB in the last, ${Math.round(Math.max(0, ...memory))} MB at most`;
}

async function addCompany(database: ScaleDatabase): Promise<void> {
  await asOwner(database, "INSERT INTO sessions.accounts (user_id) SELECT id FROM users.users ON CONFLICT DO NOTHING");
  await asOwner(
    database,
    `INSERT INTO sessions.sessions (id, user_id, tenant_id, kid, salt, amr, auth_time, device_type, created_at,
       last_used_at, expires_at, max_expires_at, sweep_on)
     SELECT gen_random_uuid(), id, tenant_id, 'k1', md5(random()::text), '{pwd}', now(), 'desktop', now(), now(),
       now() + interval '7 days', now() + interval '30 days', current_date + 31 FROM users.users`,
  );
  // Each entry updates the head of its tenant's chain: in one transaction, a million versions of that row would pile up.
  let after: string | null = FIRST_ID;
  while (after !== null) after = await addActivity(database, after);
  await asOwner(database, "VACUUM ANALYZE");
}

const BATCH = 5_000;
const FIRST_ID = "00000000-0000-0000-0000-000000000000";

/** An entry for each of the next accounts. Resolves to the last account's id, or null once there are no more. */
async function addActivity(database: ScaleDatabase, after: string): Promise<string | null> {
  const sql = `INSERT INTO admin.activity (id, tenant_id, action, actor_id, user_id, at)
    SELECT gen_random_uuid(), tenant_id, (ARRAY['session.created', 'user.updated', 'password.changed'])[1 + n % 3],
      id, id, now() - random() * interval '30 days'
    FROM (SELECT *, row_number() OVER () AS n FROM users.users WHERE id > '${after}' ORDER BY id LIMIT ${BATCH}) AS u
    RETURNING user_id`;
  const added = await asOwner(database, sql);
  return (added.at(-1)?.user_id as string | undefined) ?? null;
}
