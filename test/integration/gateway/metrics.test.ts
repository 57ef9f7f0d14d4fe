import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { findFreePort } from "../../../scripts/local-servers/ports.ts";
import { readMetrics, sampleOf } from "../../support/clients/metrics.ts";
import { hold } from "../../support/data/database-reads.ts";
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
    for (const schema of ["users", "auth", "sessions", "preferences", "mail", "admin", "webhooks"]) {
      const [used, idle, waiting] = ["used", "idle", "waiting"].map((state) =>
        sampleOf(text, `usermesh_db_pool_connections{schema="${schema}",state="${state}"}`),
      );
      expect((used ?? 0) + (idle ?? 0)).toBeGreaterThan(0);
      expect(waiting).toBe(0);
    }
  });

  test("shows a pool whose connections are all used", async () => {
    const connections = (text: string, state: string) =>
      sampleOf(text, `usermesh_db_pool_connections{schema="users",state="${state}"}`) ?? 0;
    const searches: Array<Promise<unknown>> = [];
    {
      await using _ = await hold(usermesh, "LOCK TABLE users.users IN ACCESS EXCLUSIVE MODE");
      for (let n = 0; n < 40; n += 1) {
        const search = { tenant: "default", email: newPerson().email };
        searches.push(
          usermesh.call("users.findForSignIn", search, { kind: "service", name: "auth" }).catch(() => undefined),
        );
      }
      await eventually("used connections and waiting requests, in one look", async () => {
        const text = await readMetrics(usermesh.url);
        return connections(text, "used") > 0 && connections(text, "waiting") > 0;
      });
    }
    await Promise.all(searches);
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

  test("counts sign-ins by outcome and by the reason of a refusal", async () => {
    await usermesh.api.post("auth/login", { email: newPerson().email, password: "Wrong-horse-7-staple" });
    const refused = 'usermesh_action_refusals_total{action="auth.login",code="invalid_credentials"}';
    expect(await look(refused)).toBeGreaterThan(0);
    const signIns = 'usermesh_action_duration_seconds_count{action="auth.login",outcome="ok"}';
    expect(await look(signIns)).toBeGreaterThan(0);
  });

  test("shows how long a revocation takes until it is everywhere", async () => {
    const { access: token } = await signIn(usermesh, await register(usermesh));
    await usermesh.api.post("auth/logout", {}, token);
    expect(await look("usermesh_revocation_confirm_seconds_count")).toBeGreaterThan(0);
  });

  test("has versions, backlogs, hashes, the age of keys, and the last success of each maintenance task", async () => {
    const text = await readMetrics(usermesh.url);
    expect(text).toMatch(/^usermesh_build_info\{version="[\d.]+",node_version="v24\.[\d.]+"\} 1$/m);
    for (const service of ["users", "auth", "sessions", "preferences", "mail", "webhooks"])
      for (const name of ["pending", "oldest_seconds"])
        expect(sampleOf(text, `usermesh_outbox_${name}{service="${service}"}`)).toBeGreaterThanOrEqual(0);
    expect(sampleOf(text, 'usermesh_password_hashes{state="waiting"}')).toBe(0);
    expect(sampleOf(text, "usermesh_signing_key_age_seconds")).toBeGreaterThan(0);
    expect(text).toMatch(/^usermesh_sealed_values\{what="passwords",kid="k\d",active="true"\} [1-9]/m);
    await eventually("a task", async () => {
      const last = await look('usermesh_maintenance_last_success_timestamp_seconds{task="users.eraseDue"}');
      return last !== undefined && Date.now() / 1_000 - last < 60;
    });
  });

  test("has every metric that the dashboard and the alerts name", async () => {
    const text = await readMetrics(usermesh.url);
    const files = ["dashboard.json", "alerts.yaml", "alerts.test.yaml", "../components/keda/workers.yaml"];
    const named = files
      .map((file) => readFileSync(`k8s/monitoring/${file}`, "utf8"))
      .flatMap((content) => content.match(/\b(?:usermesh|http|nodejs|process)_\w+/g) ?? []);
    const known = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name = ""]) => name));
    const missing = new Set(named.map((name) => name.replace(/_(?:bucket|count|sum)$/, "")));
    for (const name of known) missing.delete(name);
    // Processes with NATS have it; test/mesh/metrics.test.ts shows both.
    for (const name of ["usermesh_nats_connected", "usermesh_rpc_requests_pending"]) missing.delete(name);
    // These are metrics of the process itself; test/mesh/metrics.test.ts checks them too.
    expect([...missing].filter((name) => !/^(?:nodejs|process)_/.test(name))).toEqual([]);
    expect(named.length).toBeGreaterThan(30);
  });

  test("has no NATS metrics in a single process", async () => {
    expect(await look("usermesh_nats_connected")).toBeUndefined();
  });
});
