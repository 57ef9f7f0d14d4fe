import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { freePort } from "../../scripts/local-servers/ports.ts";
import { figure, readMetrics } from "../support/clients/metrics.ts";
import { eventually } from "../support/eventually.ts";
import { newPerson, register, signIn } from "../support/flows/main-flow.ts";
import { startTestMesh, type TestMesh } from "../support/start/test-mesh.ts";

let mesh: TestMesh;
/** Of the process that runs users. */
let usersUrl: string;
beforeAll(async () => {
  mesh = await startTestMesh();
  const port = String(await freePort());
  usersUrl = `http://127.0.0.1:${port}`;
  const users = mesh.names().find((name) => name.startsWith("users")) ?? "";
  await mesh.replace(users, { NODE_HEALTH_PORT: port });
  const asked = () => mesh.api.post("auth/login", newPerson());
  await eventually("the others have found it", async () => (await asked()).status === 401);
}, 60_000);
afterAll(() => mesh.stop());

const gateway = async (series: string) => figure(await readMetrics(mesh.api.url), series);
const users = async (series: string) => figure(await readMetrics(usersUrl), series);

describe("/metrics on the mesh", () => {
  test("of a node without a gateway tells its caches, its pool and its lease", async () => {
    const person = await register(mesh);
    const { access } = await signIn(mesh, person);
    const hits = 'cache_reads_total{cache="profiles",result="hit"}';
    await eventually("a kept profile", async () => {
      const before = (await users(hits)) ?? 0;
      await mesh.api.get("users/me/profile", access);
      return (await users(hits)) === before + 1;
    });
    expect(await users('cache_reads_total{cache="profiles",result="miss"}')).toBeGreaterThan(0);
    expect(await users('lease_age_seconds{service="users"}')).toBeLessThan(3);
    expect(await users('database_pool{schema="users",state="idle"}')).toBeGreaterThan(0);
    expect(await users("bus_connected")).toBe(1);
  });

  test("of a gateway tells its lease, the bus and the queues", async () => {
    expect(await gateway('lease_age_seconds{service="gateway"}')).toBeLessThan(3);
    expect([await gateway("bus_connected"), await gateway("breakers_open")]).toEqual([1, 0]);
    expect(await gateway('queue_jobs{queue="mail",state="failed"}')).toBe(0);
  });

  test("is answered without the queues while Redis is away", async () => {
    await mesh.redis.stop();
    await eventually(
      "metrics without queues",
      async () => (await gateway('queue_jobs{queue="mail",state="failed"}')) === undefined,
    );
    expect(await gateway("bus_connected")).toBe(1);
    await mesh.redis.start();
    await eventually("the queues", async () => (await gateway('queue_jobs{queue="mail",state="failed"}')) === 0);
  });

  test("says that NATS is away, and how long there has been no lease", async () => {
    await mesh.nats.stop();
    await eventually("no bus", async () => (await gateway("bus_connected")) === 0);
    await eventually("an old lease", async () => ((await gateway('lease_age_seconds{service="gateway"}')) ?? 0) > 3);
    expect(await gateway("gateway_ready")).toBe(0);
    await mesh.nats.start();
    await eventually("a fresh lease", async () => ((await gateway('lease_age_seconds{service="gateway"}')) ?? 9) < 3);
    expect(await gateway("bus_connected")).toBe(1);
  }, 60_000);
});
