import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { findFreePort } from "../../scripts/local-servers/ports.ts";
import { commandLine } from "../../scripts/local-servers/processes.ts";
import { eventually } from "../support/eventually.ts";

interface Started {
  readonly process: ChildProcess;
  output(): string;
}

/** Overrides the .env of a developer. */
const unconfigured = {
  DATABASE_URL: "",
  NATS_URL: "",
  REDIS_URL: "",
  SMTP_HOST: "",
  SECRET_KEY: "",
  ADMIN_PASSWORD: "",
};

/** Runs what `npm start` runs as a child process. */
function start(env: Readonly<Record<string, string>>): Started {
  const args = ["--require", "./scripts/environment.cjs", "scripts/start.ts"];
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env.PATH, PASSWORD_HASH_COST: "4", ...unconfigured, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const parts: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (part: Buffer) => parts.push(String(part)));
  return { process: child, output: () => parts.join("") };
}

async function ready(started: Started): Promise<void> {
  await eventually("the banner", () => {
    if (started.process.exitCode !== null) throw new Error(started.output());
    return started.output().includes("Usermesh is ready");
  });
}

async function end(started: Started, signal: NodeJS.Signals): Promise<number | null> {
  if (started.process.exitCode !== null || started.process.signalCode !== null) return started.process.exitCode;
  const gone = once(started.process, "exit");
  started.process.kill(signal);
  const [code] = (await gone) as [number | null];
  return code;
}

describe("npm start", () => {
  let dir: string;
  let port: string;
  let running: Started[] = [];
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "usermesh-start-"));
    port = String(await findFreePort());
  });
  afterEach(async () => {
    for (const one of running) await end(one, "SIGINT");
    running = [];
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));
  const begin = (env: Readonly<Record<string, string>> = {}) => {
    const started = start({ DATA_DIR: dir, APP_PORT: port, ...env });
    running.push(started);
    return started;
  };
  const servers = () => processesOn(dir);

  test("needs no configuration, prints addresses and the administrator, and stops cleanly", async () => {
    const first = begin();
    await ready(first);
    expect((await fetch(`http://localhost:${port}/health/ready`)).status).toBe(200);
    const text = first.output();
    const banner = text.split("\n").filter((line) => line.startsWith("  "));
    for (const line of banner) expect(line.replaceAll(dir, "").length).toBeLessThanOrEqual(80);
    expect(text).toContain(`http://localhost:${port}/docs`);
    const password = /Password +(Um1-\S+) \(shown only once\)/.exec(text)?.[1];
    const signIn = () =>
      fetch(`http://localhost:${port}/api/v1/auth/login`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ email: "admin@example.com", password }),
      });
    expect((await signIn()).status).toBe(200);
    expect(await end(first, "SIGINT")).toBe(0);
    expect(await servers()).toEqual([]);

    const second = begin();
    await ready(second);
    expect(second.output()).toContain("Password     shown at the first start");
    expect((await signIn()).status).toBe(200);
  });

  test("starts again after a kill -9", async () => {
    const killed = begin();
    await ready(killed);
    await end(killed, "SIGKILL");
    const next = begin();
    await ready(next);
    expect(await end(next, "SIGTERM")).toBe(0);
    expect(await servers()).toEqual([]);
  });

  test("names a port in use, in one paragraph, and leaves nothing running", async () => {
    const first = begin();
    await ready(first);
    const other = await mkdtemp(join(tmpdir(), "usermesh-start-"));
    const second = begin({ DATA_DIR: other });
    await eventually("its end", () => second.process.exitCode !== null);
    expect(second.process.exitCode).toBe(1);
    expect(second.output()).toMatch(new RegExp(`Port ${port} on 127.0.0.1 is already in use`));
    expect(second.output()).not.toMatch(/\n {4}at /);
    expect(await processesOn(other)).toEqual([]);
    await rm(other, { recursive: true, force: true });
  });
});

/** Servers with data in this folder. */
async function processesOn(dir: string): Promise<string[]> {
  const ps = spawn("ps", ["-eo", "pid="], { stdio: ["ignore", "pipe", "ignore"] });
  const pids = (await ps.stdout.toArray()).join("").trim().split(/\s+/);
  return pids.map((pid) => commandLine(Number(pid))).filter((line) => line.includes(`${dir}/`));
}
