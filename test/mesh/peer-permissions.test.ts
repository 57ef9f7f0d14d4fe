import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { connect, type NatsConnection } from "nats";
import pino from "pino";
import { natsOptions } from "../../lib/runtime/nats-options.ts";
import { startNats } from "../../scripts/local-servers/nats.ts";
import { createApiClient } from "../support/clients/api-client.ts";
import { eventually } from "../support/eventually.ts";
import { register } from "../support/flows/main-flow.ts";
import { createTestDatabase, type TestDatabase } from "../support/start/database.ts";
import { firstAdmin } from "../support/start/installation.ts";
import { startServers } from "../support/start/servers.ts";
import { type RunningServices, startServices } from "../support/start/services.ts";

/** The configuration of clients/moleculer/README.md, on a real server. */
const stack = new AsyncDisposableStack();
let services: RunningServices;
let database: TestDatabase;
let jobsUrl: string;
let jobs: NatsConnection;
const refused: string[] = [];

beforeAll(async () => {
  const dir = await mkdtemp(join(tmpdir(), "usermesh-test-"));
  const nats = stack.adopt(await startNats({ dir, log: pino({ level: "silent" }), password: "bus-password" }), (one) =>
    one.stop(),
  );
  await restrict(join(dir, "nats-server.conf"), nats.pid);
  jobsUrl = `nats://jobs:jobs-password@127.0.0.1:${nats.port}`;
  const { DATA_DIR: _, ...env } = (await startServers(stack)).env;
  const more = { NATS_URL: nats.url, SERVICE_PERMISSIONS: "jobs=users:read" };
  services = stack.adopt(await startServices("all", { ...env, ...more }), (one) => one.stop());
  database = stack.adopt(await createTestDatabase(), (one) => one.drop());
  const connecting = () => connect({ ...natsOptions(jobsUrl), inboxPrefix: "_INBOX_jobs" }).catch(() => undefined);
  jobs = stack.adopt(await eventually("the user jobs", connecting), (one) => one.close());
  void (async () => {
    for await (const { permissionContext: denied } of jobs.status())
      if (denied) refused.push(`${denied.operation} ${denied.subject}`);
  })();
}, 120_000);
afterAll(() => stack.disposeAsync());

async function restrict(configFile: string, pid: number): Promise<void> {
  const example = await readFile("clients/moleculer/example/nats-permissions.conf", "utf8");
  const authorization = example
    .replace("$USERMESH_BUS_PASSWORD", '"bus-password"')
    .replace("$JOBS_BUS_PASSWORD", '"jobs-password"');
  const config = await readFile(configFile, "utf8");
  await writeFile(configFile, config.replace(/^authorization .*$/m, authorization));
  process.kill(pid, "SIGHUP");
}

test("the program of the guide receives its events, calls actions and answers calls", async () => {
  const env = { PATH: process.env.PATH, NATS_URL: jobsUrl, JOBS_DATABASE_URL: database.url };
  const peer = spawn(process.execPath, ["clients/moleculer/example/people.js"], { env, stdio: "ignore" });
  stack.defer(() => void peer.kill("SIGKILL"));
  const person = await register({
    api: createApiClient(services.url),
    admin: firstAdmin,
    mails: services.mails,
  });
  await eventually("their copy", async () => {
    const rows = await database.query<{ id: string }>("SELECT id FROM people");
    return rows.some(({ id }) => id === person.id);
  });
  const call = () => services.broker.call("jobs.contact", { id: person.id }).catch(() => undefined);
  const contact = await eventually("the peer's action", call);
  expect(contact).toEqual({ email: person.email, title: null, is_active: true });
  peer.kill("SIGTERM");
  expect((await once(peer, "exit"))[0]).toBe(0);
});

test.each(["MOL-usermesh.REQ.>", "users.v1.>", "_INBOX.>"])("its user cannot read %s", async (subject) => {
  jobs.subscribe(subject, { callback: () => undefined });
  await eventually("the refusal", () => refused.includes(`subscription ${subject}`));
});

test("its user cannot publish events or delete a stream", async () => {
  jobs.publish("users.v1.tenant.user", "{}");
  await eventually("the refusal", () => refused.includes("publish users.v1.tenant.user"));
  await expect(jobs.jetstreamManager().then((manager) => manager.streams.delete("USERS"))).rejects.toThrow();
  const streams = await services.platform.events.consumers();
  expect(streams.map(({ stream }) => stream)).toContain("USERS");
});
