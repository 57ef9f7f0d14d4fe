import { stat } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { Redis } from "ioredis";
import { type EmbeddedRedis, type RedisOptions, startRedis } from "../../../scripts/local-servers/redis.ts";
import { killGroup, launch } from "./support/launched.ts";
import { eventually, isAlive, silentLog as log, removeDir, scratchDir } from "./support/scratch.ts";

let dir: string;
let started: EmbeddedRedis[];
let clients: Redis[];

beforeEach(async () => {
  dir = await scratchDir();
  [started, clients] = [[], []];
});

afterEach(async () => {
  for (const client of clients) client.disconnect();
  for (const server of started) await server.stop();
  await removeDir(dir);
});

const start = async (options: Partial<RedisOptions> = {}): Promise<EmbeddedRedis> => {
  const server = await startRedis({ dir, log, ...options });
  started.push(server);
  return server;
};

const clientOf = (url: string): Redis => {
  const client = new Redis(url, { retryStrategy: () => null });
  client.on("error", () => undefined);
  clients.push(client);
  return client;
};

test("data survive a restart on the same port", async () => {
  const first = await start();
  await clientOf(first.url).set("kept", "42");
  await first.stop();
  const second = await start({ port: first.port });
  expect(second.url).toBe(first.url);
  expect(await clientOf(second.url).get("kept")).toBe("42");
});

test("is append-only, evicts nothing, and listens on loopback", async () => {
  const client = clientOf((await start({ appendfsync: "always" })).url);
  expect(await client.config("GET", "maxmemory-policy")).toEqual(["maxmemory-policy", "noeviction"]);
  expect(await client.config("GET", "appendonly")).toEqual(["appendonly", "yes"]);
  expect(await client.config("GET", "appendfsync")).toEqual(["appendfsync", "always"]);
  expect(await client.config("GET", "bind")).toEqual(["bind", "127.0.0.1"]);
});

test("clients without the password are rejected", async () => {
  const { port } = await start({ password: 'p@s"s/\\wörd' });
  await expect(clientOf(`redis://127.0.0.1:${port}`).ping()).rejects.toThrow(/NOAUTH/);
});

test("the password may contain characters that a URL escapes", async () => {
  expect(await clientOf((await start({ password: 'p@s"s/\\wörd' })).url).ping()).toBe("PONG");
});

test("only the owner can read the configuration file with the password", async () => {
  await start();
  expect((await stat(join(dir, "redis.conf"))).mode & 0o777).toBe(0o600);
});

test("a server left running by a kill -9 of its parent is stopped, and its data are kept", async () => {
  const killed = await launch("./start-server.ts", "redis", dir);
  await clientOf(killed.url).set("kept", "42");
  await killGroup(killed);
  expect(isAlive(killed.pid)).toBe(true);
  const server = await start();
  await eventually(() => !isAlive(killed.pid));
  expect(await clientOf(server.url).get("kept")).toBe("42");
});
