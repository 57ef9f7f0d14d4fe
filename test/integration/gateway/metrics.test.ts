import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { findFreePort } from "../../../scripts/local-servers/ports.ts";
import { readMetrics, sampleOf } from "../../support/clients/metrics.ts";
import { eventually } from "../../support/eventually.ts";
import { newPerson, register, signIn } from "../../support/flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "../../support/start/usermesh.ts";

/** Everything in one process; test/mesh/metrics.test.ts has the metrics of NATS. */
let usermesh: Usermesh;
let access: string;
beforeAll(async () => {
  // Nothing listens on this port: every mail fails.
  usermesh = await startUsermesh({ SMTP_PORT: String(await findFreePort()), CIRCUIT_BREAKER_FAILURES: "3" });
  access = (await signIn(usermesh, await register(usermesh))).access;
});
afterAll(() => usermesh.stop());

const look = async (series: string) => sampleOf(await readMetrics(usermesh.url), series);

describe("/metrics", () => {
  test("counts hits and misses of the caches", async () => {
    // Profiles, since mails and sign-ins read accounts as well.
    const hits = 'usermesh_cache_requests_total{cache="profiles",result="hit"}';
    const misses = 'usermesh_cache_requests_total{cache="profiles",result="miss"}';
    await eventually("a cached profile", async () => {
      const before = (await look(hits)) ?? 0;
      await usermesh.api.get("users/me/profile", access);
      return (await look(hits)) === before + 1;
    });
    const [hadHits = 0, hadMisses = 0] = [await look(hits), await look(misses)];
    for (let n = 0; n < 10; n += 1) await usermesh.api.get("users/me/profile", access);
    expect([await look(hits), await look(misses)]).toEqual([hadHits + 10, hadMisses]);
    expect(hadMisses).toBeGreaterThan(0);
  });

  test("has the age of each lease", async () => {
    for (const service of ["gateway", "users", "preferences"]) {
      const age = await look(`usermesh_lease_age_seconds{service="${service}"}`);
      expect(age).toBeGreaterThanOrEqual(0);
      expect(age).toBeLessThan(10);
    }
  });

  test("has the connections of each schema's pool, and the requests waiting for one", async () => {
    const text = await readMetrics(usermesh.url);
    for (const schema of ["users", "auth", "sessions", "preferences", "mail", "admin"]) {
      const [used, idle, waiting] = ["used", "idle", "waiting"].map((state) =>
        sampleOf(text, `usermesh_db_pool_connections{schema="${schema}",state="${state}"}`),
      );
      expect((used ?? 0) + (idle ?? 0)).toBeGreaterThan(0);
      expect(waiting).toBe(0);
    }
  });

  test("shows a pool whose connections are all used", async () => {
    const locked = usermesh.database.query(
      "BEGIN; LOCK TABLE users.users IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(2); COMMIT",
    );
    const searches = Array.from({ length: 40 }, async () => {
      const admin = { kind: "service", name: "auth" } as const;
      await usermesh.call("users.findForSignIn", { tenant: "default", email: newPerson().email }, admin).catch(() => 0);
    });
    await eventually(
      "a waiting request",
      async () => (await look('usermesh_db_pool_connections{schema="users",state="waiting"}')) !== 0,
    );
    expect(await look('usermesh_db_pool_connections{schema="users",state="used"}')).toBeGreaterThan(0);
    await Promise.all([locked, ...searches]);
  });

  test("counts the jobs of each queue, including dead letters", async () => {
    await eventually("the verification mail that can't be sent", async () => {
      const text = await readMetrics(usermesh.url);
      const states = ["waiting", "delayed", "active", "paused"];
      return states.some((state) => (sampleOf(text, `usermesh_queue_jobs{queue="mail",state="${state}"}`) ?? 0) > 0);
    });
    expect(await look('usermesh_queue_jobs{queue="mail",state="failed"}')).toBe(0);
    expect(await look('usermesh_queue_jobs{queue="maintenance",state="failed"}')).toBe(0);
  });

  test("counts the open circuit breakers", async () => {
    for (let n = 0; n < 4; n += 1) await register(usermesh);
    await eventually(
      "the circuit breaker of the mail server",
      async () => ((await look("usermesh_circuit_breakers_open")) ?? 0) > 0,
    );
  });

  test("has no NATS metrics in a single process", async () => {
    expect(await look("usermesh_nats_connected")).toBeUndefined();
  });
});
