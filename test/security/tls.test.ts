import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Client } from "pg";
import { readConfig } from "../../lib/config/config.ts";
import { verifyConnection } from "../../lib/database/connection.ts";
import { findFreePort } from "../../scripts/local-servers/ports.ts";
import { findExecutable } from "../../scripts/local-servers/processes.ts";
import { migrate } from "../../scripts/migrate/migrate.ts";
import { eventually } from "../support/eventually.ts";
import { createTestDatabase, type TestDatabase } from "../support/start/database.ts";
import { startUsermesh } from "../support/start/usermesh.ts";

/** A real PostgreSQL and a real NATS with certificates of an authority that a node trusts only where it is told to. */
const run = promisify(execFile);
let dir: string;
let database: TestDatabase;
let nats: ChildProcess;
let natsPort: number;
let plainNats: ChildProcess;
let plainPort: number;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "usermesh-tls-"));
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", join(dir, "key.pem")];
  await run("openssl", ["req", "-x509", ...key, "-out", join(dir, "cert.pem"), "-days", "2", ...subject]);
  database = await createTestDatabase();
  await giveFile("server.crt", "cert.pem");
  await giveFile("server.key", "key.pem");
  await setSsl("on");
  const program = findExecutable("nats-server") ?? "";
  [natsPort, plainPort] = [await findFreePort(), await findFreePort()];
  const certificate = ["--tls", "--tlscert", join(dir, "cert.pem"), "--tlskey", join(dir, "key.pem")];
  nats = spawn(program, ["-a", "127.0.0.1", "-p", String(natsPort), ...certificate], { stdio: "ignore" });
  plainNats = spawn(program, ["-a", "127.0.0.1", "-p", String(plainPort)], { stdio: "ignore" });
  await Promise.all([listening(natsPort), listening(plainPort)]);
});
afterAll(async () => {
  for (const server of [nats, plainNats]) {
    server.kill();
    await once(server, "exit");
  }
  await setSsl("off");
  await database.drop();
  await rm(dir, { recursive: true, force: true });
});

/** Into the server's own folder, as its own user, whom alone a key may belong to. */
async function giveFile(name: string, from: string): Promise<void> {
  const lines = (await readFile(join(dir, from), "utf8")).trim().split("\n");
  const rows = lines.map((line) => `('${line}')`).join(", ");
  await database.query(`COPY (VALUES ${rows}) TO PROGRAM 'umask 077 && cat > ${name}'`);
}

async function setSsl(value: "on" | "off"): Promise<void> {
  await database.query(`ALTER SYSTEM SET ssl = ${value}`);
  await database.query("SELECT pg_reload_conf()");
  await eventually(`ssl = ${value}`, async () => {
    const [row] = await database.query<{ ssl: string }>("SHOW ssl");
    return row?.ssl === value;
  });
}

const listening = (port: number) =>
  eventually(`a server on port ${port}`, async () => {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    socket.destroy();
    return true;
  });

/** How the servers of this environment are met by a node that trusts our authority, or does not. */
async function outcomesOf(env: Record<string, string>, trusting: boolean): Promise<Record<string, string>> {
  const trust = trusting ? { NODE_EXTRA_CA_CERTS: join(dir, "cert.pem") } : {};
  const options = { env: { PATH: process.env.PATH ?? "", NODE_ENV: "test", ...trust, ...env } };
  const { stdout } = await run(process.execPath, ["test/support/start/start-tls-client.ts"], options);
  return JSON.parse(stdout);
}

const urlAt = (host: string) => {
  const url = new URL(database.url);
  url.hostname = host;
  return url.href;
};

describe("PostgreSQL with DB_SSL", () => {
  test("verify: is spoken to by TLS where its certificate is trusted, and not at all where it is not", async () => {
    const env = { DATABASE_URL: urlAt("localhost"), DB_SSL: "verify" };
    expect(await outcomesOf(env, true)).toEqual({ postgres: "encrypted" });
    expect(await outcomesOf(env, false)).toEqual({ postgres: "refused" });
  });

  test("verify: a certificate for another name is refused, even from a trusted issuer", async () => {
    const env = { DATABASE_URL: urlAt("127.0.0.1"), DB_SSL: "verify" };
    expect(await outcomesOf(env, true)).toEqual({ postgres: "refused" });
  });

  test("verify: the authority may be named by DB_SSL_CA or in the URL", async () => {
    const ca = join(dir, "cert.pem");
    const named = { DATABASE_URL: urlAt("localhost"), DB_SSL: "verify", DB_SSL_CA: ca };
    expect(await outcomesOf(named, false)).toEqual({ postgres: "encrypted" });
    const inUrl = { DATABASE_URL: `${urlAt("localhost")}?sslmode=verify-full&sslrootcert=${ca}` };
    expect(await outcomesOf(inUrl, false)).toEqual({ postgres: "encrypted" });
  });

  test("require: means the same as sslmode, and no check of the certificate", async () => {
    const env = { DATABASE_URL: `${urlAt("localhost")}?sslmode=require`, DB_SSL: "require" };
    expect(await outcomesOf(env, false)).toEqual({ postgres: "encrypted" });
  });

  test("require: every connection of every service and of the job queues is encrypted", async () => {
    const usermesh = await startUsermesh({ DB_SSL: "require" });
    try {
      // The job queues connect as the owner, as this test does.
      const sql = `SELECT CASE WHEN application_name = 'usermesh-jobs' THEN 'jobs' ELSE usename END AS who, ssl
        FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE datname = current_database()
        AND (usename LIKE 'usermesh\\_%' OR application_name = 'usermesh-jobs')`;
      const rows = await eventually("a connection of each service", async () => {
        const all = await usermesh.database.query<{ who: string; ssl: boolean }>(sql);
        const names = new Set(all.map(({ who }) => who));
        return names.has("jobs") && names.size > 5 && all;
      });
      expect(rows.filter(({ ssl }) => !ssl)).toEqual([]);
    } finally {
      await usermesh.stop();
    }
  });

  test("require: every connection of migrate is encrypted", async () => {
    await database.query("CREATE TABLE public.sign_ins (who text, ssl boolean)");
    await database.query(`CREATE FUNCTION public.note_sign_in() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
      INSERT INTO public.sign_ins SELECT current_setting('application_name'), ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid();
      END $$`);
    await database.query("CREATE EVENT TRIGGER note_sign_in ON login EXECUTE FUNCTION public.note_sign_in()");
    process.env.PGAPPNAME = "migrate";
    try {
      await migrate(readConfig({ DATABASE_URL: database.url, DB_SSL: "require" }), () => undefined);
    } finally {
      delete process.env.PGAPPNAME;
      await database.query("DROP EVENT TRIGGER note_sign_in");
    }
    const rows = await database.query("SELECT ssl FROM public.sign_ins WHERE who = 'migrate'");
    expect(rows).toEqual([{ ssl: true }, { ssl: true }, { ssl: true }]);
  });

  test("a connection that is not encrypted as configured is not used, whatever the client has made of the setting", async () => {
    const required = { rejectUnauthorized: false };
    for (const ssl of [false, required] as const) {
      const client = new Client({ connectionString: database.url, ssl });
      await client.connect();
      await expect(verifyConnection(client, ssl)).resolves.toEqual({ isPooled: false });
      const reason = ssl ? "The connection is encrypted" : "The connection is not encrypted";
      await expect(verifyConnection(client, ssl ? false : required)).rejects.toThrow(reason);
      await client.end();
    }
  });

  test("require: a server without TLS is not spoken to in clear", async () => {
    await setSsl("off");
    const env = { DATABASE_URL: urlAt("localhost"), DB_SSL: "require" };
    expect(await outcomesOf(env, true)).toEqual({ postgres: "refused" });
    await setSsl("on");
  });
});

describe("NATS at tls://", () => {
  test("is spoken to by TLS where its certificate is trusted, and not at all where it is not", async () => {
    const env = { NATS_URL: `tls://localhost:${natsPort}` };
    expect(await outcomesOf(env, true)).toEqual({ nats: "encrypted" });
    expect(await outcomesOf(env, false)).toEqual({ nats: "refused" });
  });

  test("a certificate for another name is refused, even from a trusted issuer", async () => {
    expect(await outcomesOf({ NATS_URL: `tls://127.0.0.1:${natsPort}` }, true)).toEqual({ nats: "refused" });
  });

  test("a server without TLS is not spoken to in clear", async () => {
    expect(await outcomesOf({ NATS_URL: `tls://localhost:${plainPort}` }, true)).toEqual({ nats: "refused" });
  });
});
