import { once } from "node:events";
import { createServer } from "node:net";
import { expect, jest, test } from "@jest/globals";
import { findFreePort, startOnFreePort } from "../../../scripts/local-servers/ports.ts";

test("tries another port when one is taken, unless the port is given", async () => {
  const ports: number[] = [];
  const take = async (port: number): Promise<number> => {
    if (ports.push(port) < 3) throw new Error("bind: address already in use");
    return port;
  };
  expect(await startOnFreePort(undefined, take)).toBe(ports[2]);
  ports.length = 0;
  await expect(startOnFreePort(4000, take)).rejects.toThrow(/in use/);
  expect(ports).toEqual([4000]);
});

test("tries the usual port first, if it is free", async () => {
  const usual = await findFreePort();
  const start = async (port: number) => port;
  expect(await startOnFreePort(undefined, start, usual)).toBe(usual);
  const other = createServer().listen(usual, "127.0.0.1");
  await once(other, "listening");
  expect(await startOnFreePort(undefined, start, usual)).not.toBe(usual);
  other.close();
});

test("does not retry after other errors", async () => {
  const start = jest.fn<() => Promise<void>>().mockRejectedValue(new Error("no disk"));
  await expect(startOnFreePort(undefined, start)).rejects.toThrow("no disk");
  expect(start).toHaveBeenCalledTimes(1);
});

test("finds a port that can be listened on", async () => {
  const server = createServer().listen(await findFreePort(), "127.0.0.1");
  await once(server, "listening");
  server.close();
});

test("finds no port that systems give to outgoing connections", async () => {
  const found = await Promise.all(Array.from({ length: 100 }, findFreePort));
  expect(found.filter((port) => port < 1_024 || port >= 32_768)).toEqual([]);
  expect(new Set(found).size).toBeGreaterThan(90);
});
