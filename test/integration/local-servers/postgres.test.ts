import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, cp, mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import pg from "pg";
import { type EmbeddedPostgres, type PostgresOptions, startPostgres } from "../../../scripts/local-servers/postgres.ts";
import { killGroup, type Launched, launch as launchScript } from "./support/launched.ts";
import { eventually, isAlive, silentLog as log, removeDir, scratchDir } from "./support/scratch.ts";

const isRoot = process.getuid?.() === 0;
const asRoot = isRoot ? test : test.skip;
let scratch: string;
let dataDir: string;
let shared: string;
let started: EmbeddedPostgres[];
let launched: Launched[];

beforeEach(async () => {
  scratch = await scratchDir();
  dataDir = join(scratch, "data");
  shared = join(scratch, "shared");
  started = [];
  launched = [];
});

afterEach(async () => {
  for (const other of launched) await killGroup(other);
  for (const server of started) await server.stop();
  for (const { pid } of launched) if (pid && isAlive(pid)) process.kill(pid, "SIGQUIT");
  for (const { pid } of launched) await eventually(() => !pid || !isAlive(pid));
  await removeDir(scratch);
});

const start = async (dir = dataDir, options: Partial<PostgresOptions> = {}): Promise<EmbeddedPostgres> => {
  const server = await startPostgres({ dataDir: dir, log, shared, ...options });
  started.push(server);
  return server;
};

const launch = async (): Promise<Launched> => {
  const other = await launchScript("./start-postgres.ts", dataDir, shared);
  launched.push(other);
  return other;
};

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  return client
    .query(sql)
    .then(({ rows }) => rows)
    .finally(() => client.end());
}

describe("settings", () => {
  test("are durable, with loopback only and a required password", async () => {
    const { url } = await start();
    const rows = await query(url, "SELECT name, setting FROM pg_settings");
    expect(Object.fromEntries(rows.map(({ name, setting }) => [name, setting]))).toMatchObject({
      server_encoding: "UTF8",
      fsync: "on",
      full_page_writes: "on",
      synchronous_commit: "on",
      listen_addresses: "127.0.0.1",
      unix_socket_directories: "",
      password_encryption: "scram-sha-256",
      max_connections: "200",
    });
    await expect(query(url.replace(/:[^:@]+@/, ":wrong@"), "SELECT 1")).rejects.toThrow(
      /password authentication failed/,
    );
  });

  test("the URL is that of the database usermesh with its owner", async () => {
    const { url } = await start();
    const rows = await query(
      url,
      "SELECT datname, pg_get_userbyid(datdba) = current_user AS owned FROM pg_database WHERE datname = current_database()",
    );
    expect(rows).toEqual([{ datname: "usermesh", owned: true }]);
  });

  test("trigram searches match letters outside ASCII", async () => {
    const { url } = await start();
    await query(url, "CREATE EXTENSION pg_trgm");
    expect(await query(url, "SELECT 'Наталья' <<% 'Наталья Öst' AS found, lower('Ö') AS lower")).toEqual([
      { found: true, lower: "ö" },
    ]);
  });
});

describe("a second start", () => {
  test("finds the data of the first", async () => {
    const first = await start();
    await query(first.url, "CREATE TABLE kept AS SELECT 42 AS value");
    await first.stop();
    expect(await query((await start()).url, "SELECT value FROM kept")).toEqual([{ value: 42 }]);
  });

  test("removes the draft of an interrupted start", async () => {
    await mkdir(join(dataDir, "postgres.draft-0000"), { recursive: true });
    await chmod(dataDir, 0o755);
    await start();
    expect((await readdir(dataDir)).filter((name) => name.includes("draft"))).toEqual([]);
  });

  test("while the first runs is rejected with one line that names folder and pid", async () => {
    await start();
    await expect(start()).rejects.toThrow(
      `another usermesh is running on ${dataDir}, pid ${process.pid}; stop it or set DATA_DIR`,
    );
  });

  test("of two at the same time, exactly one succeeds", async () => {
    const both = await Promise.all([launch(), launch()]);
    expect(both.filter(({ error }) => error === undefined)).toHaveLength(1);
    expect(both.find(({ error }) => error)?.error).toMatch(
      /^another usermesh is running on .*; stop it or set DATA_DIR$/,
    );
  });

  test("on another folder runs beside the first", async () => {
    const [one, two] = [await start(), await start(join(scratch, "other"))];
    await query(one.url, "CREATE TABLE mine ()");
    await expect(query(two.url, "TABLE mine")).rejects.toThrow(/does not exist/);
  });
});

describe("ports", () => {
  test("the error of a port in use has the server's own output", async () => {
    const squatter = createServer().listen(0, "127.0.0.1");
    await once(squatter, "listening");
    const { port } = squatter.address() as { port: number };
    await expect(start(dataDir, { port })).rejects.toThrow(/PostgreSQL ended with code 1[\s\S]*Address already in use/);
    squatter.close();
    await start();
  });
});

describe("after kill -9", () => {
  test("of the process group, the surviving postmaster is stopped and committed data are kept", async () => {
    const killed = await launch();
    await query(killed.url, "CREATE TABLE kept AS SELECT 42 AS value");
    await killGroup(killed);
    expect(isAlive(killed.pid)).toBe(true);
    const server = await start();
    await eventually(() => !isAlive(killed.pid));
    expect(await query(server.url, "SELECT value FROM kept")).toEqual([{ value: 42 }]);
  });

  test("of the postmaster as well, a start waits for the busy backend and recovers", async () => {
    const killed = await launch();
    await query(killed.url, "CREATE TABLE kept AS SELECT 42 AS value");
    const busy = query(killed.url, "SELECT count(*) FROM generate_series(1, 20000000)").catch(() => undefined);
    await eventually(
      async () =>
        (await query(killed.url, "SELECT FROM pg_stat_activity WHERE query LIKE 'SELECT count%' AND state = 'active'"))
          .length === 1,
    );
    await killGroup(killed);
    process.kill(killed.pid, "SIGKILL");
    const lines: string[] = [];
    const server = await start(dataDir, { log: { ...log, debug: (_, line) => void lines.push(line) } });
    expect(lines).toContainEqual(expect.stringContaining("pre-existing shared memory block"));
    expect(await query(server.url, "SELECT value FROM kept")).toEqual([{ value: 42 }]);
    await busy;
  });

  test("an unrelated process that got the postmaster's pid is not touched", async () => {
    const first = await start();
    await first.stop();
    const stranger = spawn("sleep", ["600"]);
    await writeFile(join(first.dataDir, "postmaster.pid"), `${stranger.pid}\n${first.dataDir}\n1\n1\n\n\n\n`);
    await start();
    expect(stranger.exitCode ?? stranger.signalCode).toBeNull();
    stranger.kill();
  });

  test("the folder is not locked any more", async () => {
    await killGroup(await launch());
    await start();
  });
});

describe("stop", () => {
  test("leaves no process and no lock despite connected clients, and may be called twice", async () => {
    const first = await start();
    const client = new pg.Client({ connectionString: first.url });
    client.on("error", () => undefined);
    await client.connect();
    await Promise.all([first.stop(), first.stop()]);
    expect(isAlive(first.pid)).toBe(false);
    await start();
  });

  test("Ctrl-C in the terminal does not reach the database's process group", async () => {
    const other = await launch();
    process.kill(-(other.child.pid as number), "SIGINT");
    await once(other.child, "exit");
    expect(await query(other.url, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
  });

  test("a process that exits without stop() stops the database", async () => {
    const other = await launch();
    other.child.kill("SIGTERM");
    await eventually(() => !isAlive(other.pid));
  });
});

describe("secrets", () => {
  test("only the owner can read the stored password", async () => {
    await start();
    const path = join(dataDir, "postgres-password");
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await readFile(path, "utf8")).length).toBeGreaterThanOrEqual(32);
  });
});

describe("as root", () => {
  asRoot("the server runs as another user, who can traverse the folder but not list it", async () => {
    const { dataDir: data } = await start();
    expect(data).toBe(join(dataDir, "postgres"));
    expect((await stat(data)).uid).not.toBe(0);
    expect((await stat(dataDir)).mode & 0o777).toBe(0o710);
  });

  asRoot("data of an inaccessible folder go to the shared folder, recorded in a file", async () => {
    await chmod(scratch, 0o755);
    const closed = await closedDir("closed");
    const { dataDir: data, url } = await start(join(closed, "data"));
    expect(data.startsWith(`${shared}/`)).toBe(true);
    expect(await readFile(join(closed, "data", "postgres-data-location.txt"), "utf8")).toContain(
      data.replace(/\/postgres$/, "\n"),
    );
    expect(await query(url, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
  });

  asRoot("data in the shared folder follow a folder that is moved", async () => {
    await writeIn(join(await closedDir("old"), "data"));
    await rename(join(scratch, "old"), join(scratch, "new"));
    expect(await tables(join(scratch, "new", "data"))).toEqual(["mark"]);
  });

  asRoot("a copied folder gets its own data", async () => {
    await writeIn(join(await closedDir("old"), "data"));
    await cp(join(scratch, "old"), join(scratch, "copy"), { recursive: true });
    await chmod(join(scratch, "copy"), 0o700);
    expect(await tables(join(scratch, "copy", "data"))).toEqual([]);
    expect(await tables(join(scratch, "old", "data"))).toEqual(["mark"]);
  });

  asRoot("an emptied folder starts with an empty database", async () => {
    const data = join(await closedDir("old"), "data");
    await writeIn(data);
    await rm(data, { recursive: true });
    expect(await tables(data)).toEqual([]);
  });

  const closedDir = async (name: string): Promise<string> => {
    await mkdir(join(scratch, name), { mode: 0o700 });
    return join(scratch, name);
  };

  const writeIn = async (dir: string): Promise<void> => {
    const server = await start(dir);
    await query(server.url, "CREATE TABLE mark ()");
    await server.stop();
  };

  const tables = async (dir: string): Promise<unknown[]> => {
    const server = await start(dir);
    const rows = await query(server.url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'");
    await server.stop();
    return rows.map(({ tablename }) => tablename);
  };
});
