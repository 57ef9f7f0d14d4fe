import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
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

/** Runs what `npm start` runs as a child process, or another script. */
function start(env: Readonly<Record<string, string>>, script = "start", ...words: string[]): Started {
  const args = ["--require", "./scripts/environment.cjs", `scripts/${script}.ts`, ...words];
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env.PATH, PASSWORD_HASH_COST: "4", ...unconfigured, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const parts: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (part: Buffer) => parts.push(String(part)));
  return { process: child, output: () => parts.join("") };
}

/** What `npx usermesh` prints. */
async function usermesh(env: Readonly<Record<string, string>>, ...words: string[]): Promise<string> {
  const child = spawn(process.execPath, ["bin/usermesh.cjs", ...words], {
    env: { PATH: process.env.PATH, ...unconfigured, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  return (await child.stdout.toArray()).join("");
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
  });
  beforeEach(async () => {
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
    // An attempt that failed may have left an installation.
    await rm(dir, { recursive: true, force: true });
    const first = begin();
    await ready(first);
    expect((await fetch(`http://localhost:${port}/health/ready`)).status).toBe(200);
    const text = first.output();
    const banner = text.split("\n").filter((line) => line.startsWith("  "));
    for (const line of banner) expect(line.replaceAll(dir, "").length).toBeLessThanOrEqual(80);
    expect(text).toContain(`http://localhost:${port}/docs`);
    for (const [link] of text.matchAll(/http:\/\/localhost\S*/g))
      expect([link, (await fetch(link)).status]).toEqual([link, 200]);
    expect(text).toMatch(/database migrated in \d+ steps/);
    expect(text).not.toContain("initial.sql");
    const password = /Password +(Um1-\S+) \(shown only once\)/.exec(text)?.[1];
    const signIn = () =>
      fetch(`http://localhost:${port}/api/v1/auth/login`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ email: "admin@example.com", password }),
      });
    expect((await signIn()).status).toBe(200);
    const found = await usermesh({ DATA_DIR: dir }, "users", "find", "admin@example.com", "--json");
    expect(JSON.parse(found)).toMatchObject([{ email: "admin@example.com", roles: expect.arrayContaining(["admin"]) }]);
    expect(await end(first, "SIGINT")).toBe(0);
    expect(await servers()).toEqual([]);

    const second = begin();
    await ready(second);
    expect(second.output()).toMatch(
      /Password +shown at the first start; .*\n +npx usermesh admin reset-password admin@example\.com\n/,
    );
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

  test("ends with the way out if the account of ADMIN_EMAIL was imported into an empty installation", async () => {
    const other = await mkdtemp(join(tmpdir(), "usermesh-start-"));
    const env = { DATA_DIR: other, ADMIN_EMAIL: "someone@example.com", LOG_LEVEL: "fatal" };
    const file = join(other, "users.ndjson");
    await writeFile(file, '{"email":"someone@example.com","is_verified":true}\n');
    const imported = start(env, "import", file);
    running.push(imported);
    await eventually("its end", () => imported.process.exitCode !== null);
    expect([imported.process.exitCode, imported.output()]).toEqual([0, expect.stringContaining("Imported 1 account")]);
    const refused = begin(env);
    await eventually("the end of the start", () => refused.process.exitCode !== null);
    expect(refused.process.exitCode).toBe(1);
    expect(refused.output()).toContain("There is no administrator: the account someone@example.com (ADMIN_EMAIL)");
    expect(refused.output()).toContain("npm run admin -- grant someone@example.com");
    expect(refused.output()).not.toContain("Usermesh is ready");
    expect(refused.output()).not.toMatch(/\n {4}at /);
    expect(await processesOn(other)).toEqual([]);
    await rm(other, { recursive: true, force: true });
  });
});

describe("npm run mesh", () => {
  let dir: string;
  let mesh: Started;
  const admin = { email: "admin@example.com", password: "Usher-of-the-Mesh-1" };
  const env = () => ({ DATA_DIR: dir, APP_PORT: port, LOG_LEVEL: "info", ADMIN_PASSWORD: admin.password });
  let port: string;
  let node: Started | undefined;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "usermesh-mesh-"));
    port = String(await findFreePort());
    mesh = start(env(), "mesh");
    await ready(mesh);
  }, 180_000);
  afterAll(async () => {
    if (node) await end(node, "SIGINT");
    await end(mesh, "SIGINT");
    expect(await processesOn(dir)).toEqual([]);
    await rm(dir, { recursive: true, force: true });
  });
  const lines = () =>
    mesh
      .output()
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as { readonly level: string; readonly node?: string; readonly msg: string });
  const pidOf = (name: string) => Number(new RegExp(`${name} +process (\\d+)`).exec(mesh.output())?.[1]);

  test("prints no warning at a healthy start, and every line of the log names its node", () => {
    expect(lines().filter(({ level }) => !["info", "debug"].includes(level))).toEqual([]);
    expect(lines().filter((line) => line.node === undefined)).toEqual([]);
    expect(lines().some(({ node: name, msg }) => name?.startsWith("users-1-") && msg === "node ready")).toBe(true);
  });

  test("logs a request in one line, with its route and its user and without what it carries", async () => {
    const url = `http://localhost:${port}/api/v1`;
    const json = { "content-type": "application/json" };
    const body = JSON.stringify(admin);
    const signedIn = await fetch(`${url}/auth/login`, { method: "POST", headers: json, body });
    const { data } = (await signedIn.json()) as { data: { access_token: string; user: { id: string } } };
    const me = await fetch(`${url}/users/me?token=secret`, {
      headers: { authorization: `Bearer ${data.access_token}` },
    });
    const id = me.headers.get("x-correlation-id");
    const line = await eventually("its line", () =>
      lines().find((one) => one.msg === "request" && (one as { correlation_id?: string }).correlation_id === id),
    );
    expect(line).toMatchObject({
      ...{ level: "info", method: "GET", route: "/api/v1/users/me", status: 200, user_id: data.user.id },
      milliseconds: expect.any(Number),
    });
    for (const text of [admin.password, data.access_token, "token=secret"]) expect(mesh.output()).not.toContain(text);
    expect(lines().some(({ msg, ...line }) => msg === "request" && JSON.stringify(line).includes("/health"))).toBe(
      false,
    );
  });

  test("starts a killed process again, and shows it in its table", async () => {
    process.kill(pidOf("preferences-1"), "SIGKILL");
    await eventually("the restart", () => /preferences-1 +process \d+, restarted once/.test(mesh.output()));
    expect(mesh.output()).toContain("preferences-1 was ended by SIGKILL.\nStarting preferences-1 again in 0.5 s.");
    await eventually("all services", async () => {
      const found: Array<{ readonly id: string }> = JSON.parse(await usermesh({ DATA_DIR: dir }, "nodes", "--json"));
      return found.some(({ id }) => id.startsWith("preferences-1-"));
    });
  });

  test("is joined by `npm run node`, which needs no other setting", async () => {
    node = start({ DATA_DIR: dir, SERVICES: "preferences", NODE_ID: "one-more" }, "node");
    await eventually("its start", () => node?.output().includes("node ready"));
    const nodes = await usermesh({ DATA_DIR: dir }, "nodes", "--json");
    expect(JSON.parse(nodes)).toEqual(expect.arrayContaining([expect.objectContaining({ id: "one-more" })]));
  });
});

/** Servers with data in this folder. */
async function processesOn(dir: string): Promise<string[]> {
  const ps = spawn("ps", ["-eo", "pid="], { stdio: ["ignore", "pipe", "ignore"] });
  const pids = (await ps.stdout.toArray()).join("").trim().split(/\s+/);
  return pids.map((pid) => commandLine(Number(pid))).filter((line) => line.includes(`${dir}/`));
}
