import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { connect, type NatsConnection } from "nats";
import { type EmbeddedNats, type NatsOptions, startNats } from "../../../scripts/local-servers/nats.ts";
import { killGroup, launch } from "./support/launched.ts";
import { eventually, isAlive, silentLog as log, removeDir, scratchDir } from "./support/scratch.ts";

let dir: string;
let started: EmbeddedNats[];
let connections: NatsConnection[];

beforeEach(async () => {
  dir = await scratchDir();
  [started, connections] = [[], []];
});

afterEach(async () => {
  for (const connection of connections) await connection.close();
  for (const server of started) await server.stop();
  await removeDir(dir);
});

const start = async (options: Partial<NatsOptions> = {}): Promise<EmbeddedNats> => {
  const server = await startNats({ dir, log, ...options });
  started.push(server);
  return server;
};

const connected = async ({ url, port }: EmbeddedNats): Promise<NatsConnection> => {
  const { username, password } = new URL(url);
  const connection = await connect({
    servers: `127.0.0.1:${port}`,
    user: decodeURIComponent(username),
    pass: decodeURIComponent(password),
    reconnect: false,
  });
  connections.push(connection);
  return connection;
};

const stored = async (server: EmbeddedNats): Promise<number> => {
  const manager = await (await connected(server)).jetstreamManager();
  return (await manager.streams.info("EVENTS")).state.messages;
};

const publish = async (server: EmbeddedNats, count: number): Promise<void> => {
  const connection = await connected(server);
  await (await connection.jetstreamManager()).streams.add({ name: "EVENTS", subjects: ["events"] });
  for (let n = 0; n < count; n += 1) await connection.jetstream().publish("events", "one");
};

test("acknowledged messages survive a restart on the same port with the same credentials", async () => {
  const first = await start();
  await publish(first, 10);
  await first.stop();
  const second = await start({ port: first.port });
  expect(second.url).toBe(first.url);
  expect(await stored(second)).toBe(10);
});

test("acknowledged messages survive a kill -9 of the server", async () => {
  const first = await start();
  await publish(first, 100);
  process.kill(first.pid, "SIGKILL");
  await eventually(() => !isAlive(first.pid));
  await first.stop();
  expect(await stored(await start())).toBe(100);
});

test("clients without the password are rejected", async () => {
  const { port } = await start();
  await expect(connect({ servers: `127.0.0.1:${port}`, reconnect: false })).rejects.toThrow(/authorization violation/i);
});

test("credentials may contain characters that a URL escapes", async () => {
  await connected(await start({ user: "us er", password: 'p@s"s/\\wörd' }));
});

test("only the owner can read the configuration file with the password", async () => {
  await start();
  expect((await stat(join(dir, "nats-server.conf"))).mode & 0o777).toBe(0o600);
  expect(await readFile(join(dir, "nats-server.conf"), "utf8")).toContain("127.0.0.1");
});

test("a second start on the same folder is rejected", async () => {
  await start();
  await expect(start()).rejects.toThrow(/another usermesh is running on/);
});

test("a server left running by a kill -9 of its parent is stopped", async () => {
  const killed = await launch("./start-server.ts", "nats", dir);
  await killGroup(killed);
  expect(isAlive(killed.pid)).toBe(true);
  await start();
  await eventually(() => !isAlive(killed.pid));
});

test("keeps its address over a restart, so that clients that know it still connect", async () => {
  const first = await start();
  await first.stop();
  expect((await start()).url).toBe(first.url);
});
