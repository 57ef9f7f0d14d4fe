import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { freePort } from "../../../scripts/local-servers/ports.ts";
import { figure, readMetrics } from "../../support/clients/metrics.ts";
import { eventually } from "../../support/eventually.ts";
import { newPerson, register, signIn } from "../../support/flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "../../support/start/usermesh.ts";

/** Here all is in one process; what the bus adds is in test/mesh/metrics.test.ts. */
let usermesh: Usermesh;
let access: string;
beforeAll(async () => {
  // Nothing listens there: each mail is a failure.
  usermesh = await startUsermesh({ SMTP_PORT: String(await freePort()), CIRCUIT_BREAKER_FAILURES: "3" });
  access = (await signIn(usermesh, await register(usermesh))).access;
});
afterAll(() => usermesh.stop());

const look = async (series: string) => figure(await readMetrics(usermesh.url), series);

describe("/metrics", () => {
  test("counts what the caches had and what they had not", async () => {
    // Profiles: accounts are read by mails and sign-ins, too.
    const hits = 'cache_reads_total{cache="profiles",result="hit"}';
    const misses = 'cache_reads_total{cache="profiles",result="miss"}';
    await eventually("a kept profile", async () => {
      const before = (await look(hits)) ?? 0;
      await usermesh.api.get("users/me/profile", access);
      return (await look(hits)) === before + 1;
    });
    const [hadHits = 0, hadMisses = 0] = [await look(hits), await look(misses)];
    for (let n = 0; n < 10; n += 1) await usermesh.api.get("users/me/profile", access);
    expect([await look(hits), await look(misses)]).toEqual([hadHits + 10, hadMisses]);
    expect(hadMisses).toBeGreaterThan(0);
  });

  test("tells how old each lease is", async () => {
    for (const service of ["gateway", "users", "preferences"]) {
      const age = await look(`lease_age_seconds{service="${service}"}`);
      expect(age).toBeGreaterThanOrEqual(0);
      expect(age).toBeLessThan(3);
    }
  });

  test("tells the connections of each schema's pool, and who waits for one", async () => {
    const text = await readMetrics(usermesh.url);
    for (const schema of ["users", "auth", "sessions", "preferences", "mail", "admin"]) {
      const [used, idle, waiting] = ["used", "idle", "waiting"].map((state) =>
        figure(text, `database_pool{schema="${schema}",state="${state}"}`),
      );
      expect((used ?? 0) + (idle ?? 0)).toBeGreaterThan(0);
      expect(waiting).toBe(0);
    }
  });

  test("shows a pool that is all in use", async () => {
    const locked = usermesh.database.query(
      "BEGIN; LOCK TABLE users.users IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(2); COMMIT",
    );
    const searches = Array.from({ length: 40 }, async () => {
      const admin = { kind: "service", name: "auth" } as const;
      await usermesh.call("users.findForSignIn", { tenant: "default", email: newPerson().email }, admin).catch(() => 0);
    });
    await eventually("somebody waits", async () => (await look('database_pool{schema="users",state="waiting"}')) !== 0);
    expect(await look('database_pool{schema="users",state="used"}')).toBeGreaterThan(0);
    await Promise.all([locked, ...searches]);
  });

  test("tells the jobs of each queue, dead letters included", async () => {
    await eventually("the verification mail that finds no server", async () => {
      const text = await readMetrics(usermesh.url);
      const states = ["waiting", "delayed", "active", "paused"];
      return states.some((state) => (figure(text, `queue_jobs{queue="mail",state="${state}"}`) ?? 0) > 0);
    });
    expect(await look('queue_jobs{queue="mail",state="failed"}')).toBe(0);
    expect(await look('queue_jobs{queue="maintenance",state="failed"}')).toBe(0);
  });

  test("counts the breakers that are open", async () => {
    for (let n = 0; n < 4; n += 1) await register(usermesh);
    await eventually("the breaker of the mail server", async () => ((await look("breakers_open")) ?? 0) > 0);
  });

  test("says nothing of a bus where there is none", async () => {
    expect(await look("bus_connected")).toBeUndefined();
  });
});
