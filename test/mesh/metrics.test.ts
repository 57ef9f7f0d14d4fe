import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { findFreePort } from "../../scripts/local-servers/ports.ts";
import { readMetrics, sampleOf } from "../support/clients/metrics.ts";
import { eventually } from "../support/eventually.ts";
import { newPerson, register, signIn } from "../support/flows/main-flow.ts";
import { startMesh, type TestMesh } from "../support/start/mesh.ts";

let mesh: TestMesh;
/** Health ports of the processes that run users and admin. */
let usersUrl: string;
let adminUrl: string;
beforeAll(async () => {
  mesh = await startMesh();
  [usersUrl, adminUrl] = [await withHealthPort("users"), await withHealthPort("admin")];
  const asked = () => mesh.api.post("auth/login", newPerson());
  await eventually("the other nodes to discover it", async () => (await asked()).status === 401);
});
afterAll(() => mesh.stop());

async function withHealthPort(service: string): Promise<string> {
  const port = String(await findFreePort());
  const name = mesh.names().find((one) => one.startsWith(`${service}-`)) ?? "";
  await mesh.replace(name, { NODE_HEALTH_PORT: port });
  return `http://127.0.0.1:${port}`;
}

const gateway = async (series: string) => sampleOf(await readMetrics(mesh.api.url), series);
const users = async (series: string) => sampleOf(await readMetrics(usersUrl), series);
const admin = async (series: string) => sampleOf(await readMetrics(adminUrl), series);

test("every service and worker runs in its own process", () => {
  const pids = mesh.names().map((name) => mesh.pid(name));
  expect(new Set(pids).size).toBe([...readdirSync("services"), ...readdirSync("workers")].length);
});

describe("a taken process of the mesh", () => {
  const environmentOf = async (name: string) => readFile(`/proc/${mesh.pid(name)}/environ`, "utf8");

  test("has no secret of another service in its environment, and works", async () => {
    const { DATABASE_URL = "", SECRET_KEY = "", ADMIN_PASSWORD = "" } = mesh.env;
    const owner = new URL(DATABASE_URL);
    for (const name of mesh.names()) {
      const text = await environmentOf(name);
      expect([name, text.includes(SECRET_KEY.replace(/^k1:/, ""))]).toEqual([name, false]);
      expect([name, text.includes(`//${owner.username}:`)]).toEqual([name, false]);
      expect([name, text.includes(ADMIN_PASSWORD)]).toEqual([name, name.startsWith("auth-")]);
    }
    expect((await environmentOf("gateway-1")).includes("postgres://")).toBe(false);
    await signIn(mesh, await register(mesh));
  });
});

describe("/metrics on the mesh", () => {
  test("of a node without a gateway has its caches, pool and lease", async () => {
    const person = await register(mesh);
    const { access } = await signIn(mesh, person);
    const hits = 'usermesh_cache_requests_total{cache="profiles",result="hit"}';
    await eventually("a cached profile", async () => {
      const before = (await users(hits)) ?? 0;
      await mesh.api.get("users/me/profile", access);
      return (await users(hits)) === before + 1;
    });
    expect(await users('usermesh_cache_requests_total{cache="profiles",result="miss"}')).toBeGreaterThan(0);
    expect(await users('usermesh_lease_age_seconds{service="users"}')).toBeLessThan(10);
    expect(await users('usermesh_db_pool_connections{schema="users",state="idle"}')).toBeGreaterThan(0);
    expect(await users("usermesh_nats_connected")).toBe(1);
    expect(await users('usermesh_event_consumer_pending{consumer="users-users"}')).toBeGreaterThanOrEqual(0);
  });

  test.each(["gateway", "users"])(
    "of the %s process has its event loop lag, garbage collection and memory",
    async (name) => {
      const text = await readMetrics(name === "users" ? usersUrl : mesh.api.url);
      expect(sampleOf(text, "nodejs_eventloop_lag_p99_seconds")).toBeGreaterThan(0);
      expect(text).toContain("# TYPE nodejs_gc_duration_seconds histogram");
      expect(sampleOf(text, "process_resident_memory_bytes")).toBeGreaterThan(10_000_000);
      expect(text).toContain("# TYPE process_cpu_seconds_total counter");
      expect(text).toContain("# TYPE usermesh_rpc_requests_pending gauge");
    },
  );

  test("of a gateway has its lease and NATS, that of admin the queues", async () => {
    expect(await gateway('usermesh_lease_age_seconds{service="gateway"}')).toBeLessThan(10);
    expect([await gateway("usermesh_nats_connected"), await gateway("usermesh_circuit_breakers_open")]).toEqual([1, 0]);
    expect(await admin('usermesh_queue_jobs{queue="mail",state="failed"}')).toBe(0);
    expect(await readMetrics(mesh.api.url)).not.toContain("usermesh_queue_jobs");
  });

  test("lacks the queues while Redis is unavailable, and has all else", async () => {
    await mesh.redis.stop();
    await eventually(
      "metrics without queues",
      async () => (await admin('usermesh_queue_jobs{queue="mail",state="failed"}')) === undefined,
    );
    expect(await admin("usermesh_nats_connected")).toBe(1);
    await mesh.redis.start();
    await eventually("the queues", async () => (await admin('usermesh_queue_jobs{queue="mail",state="failed"}')) === 0);
  });

  test("shows that NATS is unavailable, and the age of the last lease", async () => {
    await mesh.nats.stop();
    await eventually("a lost connection", async () => (await gateway("usermesh_nats_connected")) === 0);
    await eventually(
      "an expired lease",
      async () => ((await gateway('usermesh_lease_age_seconds{service="gateway"}')) ?? 0) > 3,
    );
    expect(await gateway("usermesh_gateway_ready")).toBe(0);
    await mesh.nats.start();
    await eventually(
      "a fresh lease",
      async () => ((await gateway('usermesh_lease_age_seconds{service="gateway"}')) ?? 9) < 3,
    );
    expect(await gateway("usermesh_nats_connected")).toBe(1);
  });
});
