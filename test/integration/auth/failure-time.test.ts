import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
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
import { createFailureTime } from "../../../services/auth/password/failure-time.ts";
import { createPasswordHashing } from "../../../services/auth/password/password-hashing.ts";
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

async function store(secretOf: (id: string) => string | Promise<string>): Promise<{ id: string; secret: string }> {
  const id = randomUUID();
  const secret = await secretOf(id);
  await insertPasswordCredential(db, { id, user_id: randomUUID(), secret, kid: "k1", confirmed: true });
  return { id, secret };
}

test("a failure takes the same multiple of its bcrypt for each account, a little more than the slowest hash", async () => {
  const ours = await store((id) => passwords.hash("x", id));
  const [fast, slow, cheap] = await Promise.all(
    Object.values(importedHashes).map((hash) => store((id) => passwords.importHash(hash, id))),
  );
  const slept: number[] = [];
  const timers = { ...systemTimers, sleep: async (ms: number) => void slept.push(ms) };
  const { fill } = createFailureTime({ db, passwords, clock: systemClock, timers, log });
  const multiples: number[] = [];
  for (const one of [null, ours, fast, cheap]) {
    const { time } = await (one ? passwords.verify("y", one.secret, one.id) : passwords.simulateVerify("y"));
    await fill(time);
    multiples.push((time.total + (slept.at(-1) ?? 0)) / time.bcrypt);
  }
  const [multiple = 0] = multiples;
  expect(multiples).toEqual(multiples.map(() => expect.closeTo(multiple, 6)));
  const { time } = await passwords.verify("y", slow?.secret ?? "", slow?.id ?? "");
  expect(multiple).toBeGreaterThan(2);
  // As many times its bcrypt as was measured at first, or what it took now.
  await fill(time);
  const last = slept.length > multiples.length ? time.total + (slept.at(-1) ?? 0) : time.total;
  expect(last / time.bcrypt).toBeGreaterThan(multiple - 1e-6);
});
