import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import pino from "pino";
import { type Config, readConfig } from "../../../lib/config/config.ts";
import { parseKeyRing } from "../../../lib/crypto/key-ring.ts";
import { createMetrics } from "../../../lib/observability/metrics.ts";
import { type Clock, systemRandom, systemTimers } from "../../../lib/runtime/clock.ts";
import { createHealthChecks } from "../../../lib/runtime/health-checks.ts";
import type { Platform } from "../../../lib/runtime/platform.ts";
import { createDatabase, type Database } from "../../../mixins/database/database.mixin.ts";
import { authEntities } from "../../../services/auth/auth.entities.ts";
import { createSigningKeys, type SigningKeys } from "../../../services/auth/signing/signing-keys.ts";
import { createTestDatabase, type TestDatabase } from "../../support/start/database.ts";

const day = 86_400_000;
const [first, second] = [`k1:${"a".repeat(40)}`, `k2:${"b".repeat(40)}`];
const log = pino({ level: "silent" });

let database: TestDatabase;
let db: Database;
let config: Config;
let now: number;
/** Frozen: only the tests move it. */
const clock: Clock = { now: () => new Date(now), monotonic: () => now };

beforeAll(async () => {
  database = await createTestDatabase();
  config = readConfig({ NODE_ENV: "test", DATABASE_URL: database.url });
  const metrics = createMetrics();
  const health = createHealthChecks(clock);
  const platform = { config, log, timers: systemTimers, poolSize: 4, metrics, health } as unknown as Platform;
  db = createDatabase(platform, { schema: "auth", entities: authEntities });
  await db.connect();
});
beforeEach(async () => {
  now = Date.parse("2026-01-01T00:00:00Z");
  await database.query("DELETE FROM auth.signing_keys");
});
afterAll(async () => {
  await db?.close();
  await database?.drop();
});

function node(secretKey = first, algorithm: Config["auth"]["signingAlgorithm"] = "ES256"): SigningKeys {
  const settings = { ...config, auth: { ...config.auth, signingAlgorithm: algorithm } };
  const ring = parseKeyRing(secretKey);
  return createSigningKeys({ db, clock, config: settings, log, random: systemRandom, ring });
}
const kids = async (keys: SigningKeys) => (await keys.published()).map((key) => key.kid);

describe("signing keys", () => {
  test("several nodes at once create one key, which signs at once", async () => {
    const signers = await Promise.all(Array.from({ length: 8 }, () => node().current()));
    expect(new Set(signers.map((one) => one.kid)).size).toBe(1);
  });

  test("are published without private members", async () => {
    const [key] = await node().published();
    expect(Object.keys(key ?? {}).toSorted()).toEqual(["alg", "crv", "kid", "kty", "use", "x", "y"]);
  });

  test("the next key is published a day before it signs, and is the same for all nodes", async () => {
    const [one, other] = [node(), node()];
    const { kid } = await one.current();
    now += 29 * day + 1_000;
    const published = await Promise.all([kids(one), kids(other)]);
    expect(published[0]).toHaveLength(2);
    expect(published[1]).toEqual(published[0]);
    expect((await one.current()).kid).toBe(kid);
    now += day;
    const next = published[0]?.find((known) => known !== kid);
    expect((await one.current()).kid).toBe(next);
    expect((await other.current()).kid).toBe(next);
  });

  test("the old key verifies until its last token has expired, then it is deleted", async () => {
    const keys = node();
    const { kid, signUntil } = await keys.current();
    now = signUntil - 1;
    await keys.rotate();
    now = signUntil + config.auth.accessTokenSeconds * 1_000;
    expect(await kids(keys)).toContain(kid);
    now += 61_000;
    expect(await kids(keys)).not.toContain(kid);
    expect(await keys.rotate()).toMatchObject({ signing_keys_deleted: 1 });
  });

  test("a node that was suspended during the change does not sign with the old key", async () => {
    const sleeper = node();
    const { kid } = await sleeper.current();
    now += 40 * day;
    expect((await sleeper.current()).kid).not.toBe(kid);
  });

  test("after a long outage one key is created, not one for each missed period", async () => {
    await node().current();
    now += 400 * day;
    await Promise.all([node().current(), node().current()]);
    expect(await database.query("SELECT kid FROM auth.signing_keys")).toHaveLength(2);
  });

  test.each([
    ["EdDSA", "ES256"],
    ["ES256", "RS256"],
    ["RS256", "EdDSA"],
  ] as const)("from %s to %s: both are published until the last token of the old key has expired", async (from, to) => {
    const before = await node(first, from).current();
    expect(before.alg).toBe(from);
    await node(first, to).rotate();
    const changed = node(first, to);
    expect((await changed.published()).map(({ alg }) => alg)).toEqual([from, to]);
    expect((await changed.current()).kid).toBe(before.kid);
    now += 3_600_000;
    expect((await changed.current()).alg).toBe(to);
    expect((await node(first, from).current()).alg).toBe(to);
    expect((await changed.published()).map(({ alg }) => alg)).toEqual([from, to]);
    now += config.auth.accessTokenSeconds * 1_000 + 60_000;
    expect((await changed.published()).map(({ alg }) => alg)).toEqual([to]);
  });

  test("nodes with different algorithms do not replace a key before it signs", async () => {
    await node(first, "EdDSA").current();
    for (let round = 0; round < 3; round += 1)
      for (const alg of ["ES256", "EdDSA"] as const) await node(first, alg).rotate();
    expect(await node().published()).toHaveLength(2);
  });

  test("move to the new key of the ring, and then the old key can be removed", async () => {
    const { kid } = await node(first).current();
    expect(await node(`${second},${first}`).rotate()).toMatchObject({ signing_keys_resealed: 1 });
    expect((await node(second).current()).kid).toBe(kid);
  });

  test("a node whose ring lacks the key reports it", async () => {
    await node(first).current();
    await expect(node(second).current()).rejects.toMatchObject({ name: "UnknownKeyError" });
  });
});
