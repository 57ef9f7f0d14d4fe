import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, test } from "@jest/globals";
import pino from "pino";
import { readConfig } from "../../lib/config/config.ts";
import { createPlatform, poolShare } from "../../lib/runtime/create-platform.ts";
import { selectServices } from "../../scripts/run/service-files.ts";

const secret = { SECRET_KEY: `k1:${"s".repeat(32)}` };
const log = pino({ level: "silent" });

describe("the database connections of a node", () => {
  const config = readConfig({ DB_POOL_SIZE: "10", DB_MAX_OVERFLOW: "2" });

  test("all go to a single service", () => {
    expect(poolShare(config, ["users"])).toBe(12);
  });

  test("are divided among the services that have tables", () => {
    expect(poolShare(config, ["users", "auth", "mail", "gateway", "worker-mail"])).toBe(4);
  });

  test("are at least two per service", () => {
    expect(poolShare(readConfig({ DB_POOL_SIZE: "2" }), ["users", "auth", "mail"])).toBe(2);
  });
});

describe("a node", () => {
  test("with too few threads to hash passwords does not start, and names the variable to set", async () => {
    const config = readConfig({ ...secret, PASSWORD_HASH_CONCURRENCY: "64" });
    await expect(createPlatform(config, { log, services: ["auth"] })).rejects.toThrow(
      "UV_THREADPOOL_SIZE must be 68 or more",
    );
  });

  test("without SECRET_KEY does not start", async () => {
    await expect(createPlatform(readConfig({}), { log, services: ["users"] })).rejects.toThrow(
      "SECRET_KEY or DERIVED_KEYS must be set",
    );
  });

  test("runs all services and workers by default, the gateway last", () => {
    const all = selectServices([]);
    expect(all).toEqual(expect.arrayContaining(["auth", "users", "worker-mail", "worker-maintenance"]));
    expect(all.at(-1)).toBe("gateway");
  });

  test("with an unknown name in SERVICES does not start, and lists the known ones", () => {
    expect(() => selectServices(["auth", "auht"])).toThrow(/unknown name: auht\. Known are .*auth.*worker-mail/);
  });

  // In a process of its own, because jest keeps the modules of its tests apart.
  test.each([
    ["users", "without"],
    ["mail", "with"],
  ])("with %s works %s BullMQ", async (service, expected) => {
    const program = `
      import { createRequire } from "node:module";
      import { pino } from "pino";
      import { readConfig } from "./lib/config/config.ts";
      import { createPlatform } from "./lib/runtime/create-platform.ts";
      const config = readConfig({ SECRET_KEY: "${secret.SECRET_KEY}", REDIS_URL: "redis://127.0.0.1:1" });
      const log = pino({ level: "silent" });
      const platform = await createPlatform(config, { log, services: ["${service}"] });
      await platform.close();
      const loaded = Object.keys(createRequire(import.meta.url).cache);
      process.stdout.write(loaded.some((file) => file.includes("/bullmq/")) ? "with" : "without");`;
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program]);
    expect(stdout).toBe(expected);
  });
});
