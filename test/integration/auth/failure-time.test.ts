import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import pino from "pino";
import { readConfig } from "../../../lib/config/config.ts";
import { parseKeyRing } from "../../../lib/crypto/key-ring.ts";
import { createMetrics } from "../../../lib/observability/metrics.ts";
import { systemClock, systemTimers } from "../../../lib/runtime/clock.ts";
import { createHealthChecks } from "../../../lib/runtime/health-checks.ts";
import type { Platform } from "../../../lib/runtime/platform.ts";
import { createDatabase, type Database } from "../../../mixins/database/database.mixin.ts";
import { authEntities } from "../../../services/auth/auth.entities.ts";
import { insertPasswordCredential } from "../../../services/auth/password/credentials.repo.ts";
import { createFailureTime, type FailureTime } from "../../../services/auth/password/failure-time.ts";
import { createPasswordHashing, type PasswordHashing } from "../../../services/auth/password/password-hashing.ts";
import { importedHashes } from "../../support/data/imported-hashes.ts";
import { createTestDatabase, type TestDatabase } from "../../support/start/database.ts";

const log = pino({ level: "silent" });
const passwords = createPasswordHashing({
  ring: parseKeyRing(`k1:${"a".repeat(40)}`),
  cost: 8,
  bulkhead: (work) => work(),
});

let database: TestDatabase;
let db: Database;
beforeAll(async () => {
  database = await createTestDatabase();
  const config = readConfig({ NODE_ENV: "test", DATABASE_URL: database.url });
  const health = createHealthChecks(systemClock);
  const platform = { config, log, timers: systemTimers, poolSize: 4, metrics: createMetrics(), health };
  db = createDatabase(platform as unknown as Platform, { schema: "auth", entities: authEntities });
  await db.connect();
});
afterAll(async () => {
  await db?.close();
  await database?.drop();
});

afterEach(() => database.query("DELETE FROM auth.credentials"));

async function store(secretOf: (id: string) => string | Promise<string>): Promise<{ id: string; secret: string }> {
  const id = randomUUID();
  const secret = await secretOf(id);
  await insertPasswordCredential(db, { id, user_id: randomUUID(), secret, kid: "k1", confirmed: true });
  return { id, secret };
}

/** With the milliseconds that it has waited for. */
function watchedFailureTime(hashing: PasswordHashing, clock = systemClock): FailureTime & { readonly waits: number[] } {
  const waits: number[] = [];
  const timers = { ...systemTimers, sleep: async (ms: number) => void waits.push(ms) };
  return { ...createFailureTime({ db, passwords: hashing, clock, timers, log }), waits };
}

test("a failure takes the same multiple of its bcrypt for each account, a little more than the slowest hash", async () => {
  await store((id) => passwords.hash("x", id));
  const [fast, slow, cheap] = await Promise.all(
    Object.values(importedHashes).map((hash) => store((id) => passwords.importHash(hash, id))),
  );
  const taken = new Map([
    [fast?.id, { bcrypt: 10, total: 14 }],
    [slow?.id, { bcrypt: 10, total: 60 }],
    [cheap?.id, { bcrypt: 10, total: 11 }],
  ]);
  const verify: PasswordHashing["verify"] = async (secret, stored, id) => ({
    ...(await passwords.verify(secret, stored, id)),
    time: taken.get(id) ?? { bcrypt: 0, total: 0 },
  });
  const { fill, waits } = watchedFailureTime({ ...passwords, verify });
  // Our own hash on an idle and on a busy machine, then each of the imported ones, the last of them the slowest.
  const times = [
    { bcrypt: 10, total: 10 },
    { bcrypt: 80, total: 80 },
    { bcrypt: 20, total: 28 },
    { bcrypt: 10, total: 11 },
    { bcrypt: 30, total: 180 },
  ];
  for (const time of times) await fill(time);
  const multiples = times.map(({ bcrypt, total }, index) => (total + (waits[index] ?? 0)) / bcrypt);
  expect(multiples).toEqual(times.map(() => expect.closeTo(1 + (50 / 10) * 1.15, 6)));
});

test("the slowest hash is measured by its fastest time, and our bcrypt by that of all sign-ins, however busy the machine is", async () => {
  await store((id) => passwords.importHash(importedHashes.slow, id));
  const times = [
    { bcrypt: 100, total: 900 },
    { bcrypt: 10, total: 300 },
    { bcrypt: 80, total: 110 },
    { bcrypt: 12, total: 52 },
    { bcrypt: 90, total: 800 },
    { bcrypt: 60, total: 80 }, // a quarter of an hour later
  ];
  const verify: PasswordHashing["verify"] = async (...what) => {
    const { bcrypt, total } = times.shift() ?? { bcrypt: 0, total: 0 };
    return { ...(await passwords.verify(...what)), time: { bcrypt, total } };
  };
  let now = 1_000;
  const clock = { now: () => new Date(now), monotonic: () => now };
  const { fill, waits } = watchedFailureTime({ ...passwords, verify }, clock);
  await fill({ bcrypt: 10, total: 10 });
  await fill({ bcrypt: 20, total: 30 });
  await fill({ bcrypt: 5, total: 5 });
  now += 15 * 60_000;
  await fill({ bcrypt: 10, total: 10 });
  expect(times).toEqual([]);
  // Another 30 ms after a bcrypt of 10 ms, then of 5 ms, then another 20 ms after those 5, with a margin of 15 %.
  const wanted = [10 * 3 * 1.15, 20 * (1 + 3 * 1.15) - 30, 5 * 6 * 1.15, 10 * 4 * 1.15];
  expect(waits).toEqual(wanted.map((ms) => expect.closeTo(ms, 6)));
});
