import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Redis } from "ioredis";
import { connect } from "nats";
import sharp from "sharp";
import { natsOptions } from "../../lib/runtime/nats-options.ts";
import { requestUntilAnswered } from "../support/clients/api-client.ts";
import { contentAt } from "../support/clients/redis-content.ts";
import { eventually } from "../support/eventually.ts";
import { certificateOf, erased, leaveTraces, type Traced, tablesWith } from "../support/flows/data-rights.ts";
import { mailTo, register, signIn } from "../support/flows/main-flow.ts";
import { startMesh, type TestMesh } from "../support/start/mesh.ts";

const OUTAGE_MS = 60_000;
const MEGABYTE = 1_024;

describe("data rights on a real mesh", () => {
  let mesh: TestMesh;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "usermesh-rights-"));
    const env = { UPLOAD_DIR: join(folder, "avatars"), LOG_FILE: join(folder, "usermesh.log"), LOG_LEVEL: "debug" };
    const one = ["gateway", "auth", "users", "sessions", "preferences", "admin", "worker-maintenance"];
    mesh = await startMesh({ env, processes: Object.fromEntries(one.map((name) => [name, 1])) });
  });
  afterAll(async () => {
    await mesh.stop();
    await rm(folder, { recursive: true, force: true });
  });

  test("an export of 10,000 log entries takes less than 50 MB of memory in any process", async () => {
    const person = await register(mesh);
    const { access } = await signIn(mesh, person);
    const addEntries = (count: number) =>
      mesh.database.query(
        `INSERT INTO admin.activity (id, tenant_id, action, actor_id, user_id, at, ip, correlation_id, details)
         SELECT gen_random_uuid(), tenant_id, 'user.updated', id, id, clock_timestamp() - n * interval '1 min', '192.0.2.1',
           gen_random_uuid(), '{"updated_fields": ["bio", "company", "location"]}'
         FROM users.users, generate_series(1, $2::int) AS n WHERE id = $1`,
        [person.id, count],
      );
    const exported = () => requestUntilAnswered(() => mesh.api.get("users/me/export", access));
    // The first exports load code, and the memory for short-lived objects grows to its full size, however long an export is.
    await addEntries(1_000);
    for (let n = 0; n < 5; n += 1) await exported();
    await addEntries(10_000);
    const nodes = ["gateway-1", "admin-1"].map((name) => mesh.pid(name));
    const before = await Promise.all(nodes.map(forgetPeak));
    const { body } = await exported();
    expect(body.services.admin.activity.length).toBeGreaterThanOrEqual(10_000);
    const after = await Promise.all(nodes.map(peakOf));
    const grown = after.map((peak, node) => (peak - (before[node] ?? 0)) / MEGABYTE);
    expect(Math.max(...grown)).toBeLessThan(50);
  });

  test("an erasure completes once and leaves nothing, even if a service is down for a minute and another is killed", async () => {
    const person = await leaveTraces(mesh);
    await uploadAvatar(mesh, person.access);
    await mailTo(mesh, person.email, /reset-password/);
    expect(await readdir(join(folder, "avatars"))).not.toEqual([]);
    expect(await streamTexts(mesh, person.traces)).toBeGreaterThan(0);

    await mesh.kill("preferences-1");
    const down = performance.now();
    const answer = await mesh.api.request("DELETE", "users/me", { body: { erase: true }, token: person.access });
    expect(answer.status).toBe(200);
    const confirmed = async () => Object.keys((await certificateOf(mesh, person.id)).receipts);
    await eventually("the others' receipts", async () => (await confirmed()).length === 5, {
      every: 200,
    });
    await mesh.kill("users-1");
    await mesh.restart("users-1");
    const late = "UPDATE users.erasures SET deadline = clock_timestamp() WHERE user_id = $1";
    await mesh.database.query(late, [person.id]);
    await eventually(
      "the alarm",
      async () => /"level":"?(?:50|error)\b.*erasures overdue/.test(await logText(folder)),
      {
        every: 200,
      },
    );
    await sleep(Math.max(0, OUTAGE_MS - (performance.now() - down)));
    const state = async () => (await certificateOf(mesh, person.id)).state;
    expect(await eventually("the certificate", state, { every: 200 })).toBe("running");

    await mesh.restart("preferences-1");
    await erased(mesh.database, person.id);
    expect((await confirmed()).toSorted()).toEqual([
      "admin",
      "auth",
      "mail",
      "preferences",
      "sessions",
      "users",
      "webhooks",
    ]);
    const stated = await mesh.database.query(
      "SELECT 1 FROM users.outbox WHERE user_id = $1 AND body ->> 'event_type' = 'user.erased'",
      [person.id],
    );
    expect(stated).toHaveLength(1);
    await eventually("purged streams", async () => (await streamTexts(mesh, person.traces)) === 0);
    expect(await eventsOf(mesh, person.id)).toEqual(["user.erased"]);
    expect(await tablesWith(mesh.database, person.traces)).toEqual([]);
    expect(await redisKeysWith(mesh, person.traces)).toEqual([]);
    expect(await readdir(join(folder, "avatars"))).toEqual([]);
    await nobodyRemembers(mesh, person);
    const log = await logText(folder);
    expect(log).toContain("request");
    expect(person.traces.filter((trace) => log.includes(trace))).toEqual([]);
  });

  test("each of many erasures completes once with all receipts, although processes are killed at random", async () => {
    const people = await Promise.all(Array.from({ length: 6 }, () => leaveTraces(mesh)));
    for (const { access } of people) {
      const answer = await mesh.api.request("DELETE", "users/me", { body: { erase: true }, token: access });
      expect(answer.status).toBe(200);
    }
    for (const victim of ["auth-1", "users-1", "worker-maintenance-1", "users-1", "sessions-1", "users-1"]) {
      await sleep(Math.random() * 2_000);
      await mesh.kill(victim);
      await mesh.restart(victim);
    }
    await Promise.all(people.map(({ id }) => erased(mesh.database, id)));
    const services = ["admin", "auth", "mail", "preferences", "sessions", "users", "webhooks"];
    for (const { id, traces } of people) {
      expect(Object.keys((await certificateOf(mesh, id)).receipts).toSorted()).toEqual(services);
      const stated = "SELECT 1 FROM users.outbox WHERE user_id = $1 AND body ->> 'event_type' = 'user.erased'";
      expect(await mesh.database.query(stated, [id])).toHaveLength(1);
      expect(await tablesWith(mesh.database, traces)).toEqual([]);
    }
  });
});

/** Cached accounts would be served from memory. */
async function nobodyRemembers(mesh: TestMesh, { id, email, traces }: Traced): Promise<void> {
  const { access } = await signIn(mesh, mesh.admin);
  const [byId, sessions, listed, found] = await Promise.all([
    mesh.api.get(`admin/users/${id}`, access),
    mesh.api.get(`admin/users/${id}/sessions`, access),
    mesh.api.get(`admin/users?search=${encodeURIComponent(email)}`, access),
    mesh.api.get(`users/search?q=${encodeURIComponent(traces[1] ?? "")}`, access),
  ]);
  expect([byId.status, sessions.status, listed.body.data, found.body.data]).toEqual([404, 404, [], []]);
}

async function uploadAvatar(mesh: TestMesh, token: string): Promise<void> {
  const png = await sharp({ create: { width: 64, height: 64, channels: 3, background: "teal" } })
    .png()
    .toBuffer();
  const body = new FormData();
  body.append("file", new Blob([new Uint8Array(png)], { type: "image/png" }), "me.png");
  const url = `${mesh.api.url}/api/v1/users/me/avatar`;
  const response = await fetch(url, { method: "POST", body, headers: { authorization: `Bearer ${token}` } });
  expect([200, 201]).toContain(response.status);
}

/** In kilobytes. Also resets the peak (proc(5)). */
async function forgetPeak(pid: number): Promise<number> {
  await writeFile(`/proc/${pid}/clear_refs`, "5");
  return memory(pid, "VmRSS");
}

const peakOf = (pid: number) => memory(pid, "VmHWM");

async function memory(pid: number, name: string): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]);
}

interface Message {
  readonly subject: string;
  readonly text: string;
}

async function messagesOf(mesh: TestMesh): Promise<Message[]> {
  const connection = await connect(natsOptions(mesh.nats.url));
  try {
    const manager = await connection.jetstreamManager();
    const found: Message[] = [];
    for (const name of ["USERS", "SESSIONS"]) {
      const { state } = await manager.streams.info(name);
      for (let seq = state.first_seq; seq <= state.last_seq; seq += 1) {
        const message = await manager.streams.getMessage(name, { seq }).catch(() => null);
        if (message) found.push({ subject: message.subject, text: message.string() });
      }
    }
    return found;
  } finally {
    await connection.close();
  }
}

async function streamTexts(mesh: TestMesh, traces: readonly string[]): Promise<number> {
  const messages = await messagesOf(mesh);
  return messages.filter(({ text }) => traces.some((trace) => text.includes(trace))).length;
}

async function eventsOf(mesh: TestMesh, userId: string): Promise<string[]> {
  const messages = await messagesOf(mesh);
  return messages.filter(({ subject }) => subject.endsWith(userId)).map(({ text }) => JSON.parse(text).event_type);
}

async function redisKeysWith(mesh: TestMesh, traces: readonly string[]): Promise<string[]> {
  const redis = new Redis(mesh.redis.url);
  try {
    const keys = await redis.keys("*");
    expect(keys.length).toBeGreaterThan(0);
    const texts = await Promise.all(
      keys.map(async (key) => [key, JSON.stringify(await contentAt(redis, key))] as const),
    );
    return texts.filter(([key, text]) => traces.some((one) => `${key}${text}`.includes(one))).map(([key]) => key);
  } finally {
    redis.disconnect();
  }
}

async function logText(folder: string): Promise<string> {
  const files = (await readdir(folder)).filter((name) => name.includes(".log"));
  return (await Promise.all(files.map((name) => readFile(join(folder, name), "utf8")))).join("\n");
}
