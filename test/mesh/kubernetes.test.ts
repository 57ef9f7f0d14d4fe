import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import pino from "pino";
import type { Role } from "../../scripts/build/roles.ts";
import { startNats } from "../../scripts/local-servers/nats.ts";
import { findFreePort } from "../../scripts/local-servers/ports.ts";
import { startRedis } from "../../scripts/local-servers/redis.ts";
import { completeSecrets, kubernetesManifest, renderSecrets } from "../../scripts/secrets/render.ts";
import { createApiClient } from "../support/clients/api-client.ts";
import { base, containerOf, type Manifest, ofKind, readAll, secretOf, settingsOf } from "../support/data/manifests.ts";
import { eventually } from "../support/eventually.ts";
import { type Running, register, signIn, verifyAddress } from "../support/flows/main-flow.ts";
import { createTestDatabase, type TestDatabase } from "../support/start/database.ts";
import { startServers } from "../support/start/servers.ts";

/**
 * What the overlay `dev` runs, as processes of this machine: a release as the image contains it, outside of the checkout,
 * the commands of the manifests and of the Dockerfile, and the environment of the ConfigMap and of each one's Secret. Only
 * addresses and ports differ.
 */
const log = pino({ level: "silent" });
const password = "0123456789abcdef0123456789abcdef";
const started = new AsyncDisposableStack();
const running: ChildProcess[] = [];
const ports = new Map<string, { readonly health: number; readonly http: number }>();
const { TEST_RELEASE: release = "" } = process.env;
if (release === "") throw new Error("test/support/jest/mesh-setup.ts has built no release");
let database: TestDatabase;
let mails: Running["mails"];
let addresses: Record<string, string>;
let secrets: readonly Manifest[];

beforeAll(async () => {
  const { smtp } = await startServers(started);
  mails = smtp.mails;
  // Empty, so that the job has something to migrate.
  database = await createTestDatabase({ isEmpty: true });
  started.defer(database.drop);
  const [nats, redis] = await Promise.all([
    startNats({ dir: await mkdtemp(join(tmpdir(), "nats-")), log, password }),
    startRedis({ dir: await mkdtemp(join(tmpdir(), "redis-")), log, password }),
  ]);
  started.defer(nats.stop);
  started.defer(redis.stop);
  const owner = new URL(database.url);
  secrets = readAll(
    kubernetesManifest(
      renderSecrets(
        completeSecrets({
          DATABASE_ADDRESS: `${owner.host}${owner.pathname}`,
          POSTGRES_PASSWORD: decodeURIComponent(owner.password),
          NATS_ADDRESS: `127.0.0.1:${nats.port}`,
          NATS_PASSWORD: password,
          REDIS_ADDRESS: `127.0.0.1:${redis.port}`,
          REDIS_PASSWORD: password,
        }),
        "compose",
      ),
    ),
  );
  const mail = new URL(smtp.url);
  // Nobody listens there, but the release must contain what sends traces.
  const OTEL_EXPORTER_OTLP_ENDPOINT = `http://127.0.0.1:${await findFreePort()}`;
  addresses = {
    PATH: process.env.PATH ?? "",
    SMTP_HOST: mail.hostname,
    SMTP_PORT: mail.port,
    OTEL_EXPORTER_OTLP_ENDPOINT,
  };
});
afterAll(async () => {
  await Promise.all(running.map(end));
  await started.disposeAsync();
});

async function start(manifest: Manifest, command: readonly string[]): Promise<ChildProcess> {
  const [health, http] = [await findFreePort(), await findFreePort()];
  ports.set(manifest.metadata.name, { health, http });
  const { env = [] } = containerOf(manifest);
  const child = spawn(process.execPath, command.slice(1), {
    cwd: release,
    env: {
      ...settingsOf("dev"),
      ...secretOf(manifest, secrets)?.stringData,
      ...Object.fromEntries(env.map(({ name, value }) => [name, value])),
      ...addresses,
      NODE_HEALTH_PORT: String(health),
      APP_PORT: String(http),
    },
    stdio: ["ignore", "ignore", "inherit"],
  });
  running.push(child);
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGTERM");
  await gone;
}

test("each manifest's command starts with its environment, and answers its probes", async () => {
  const [job] = ofKind("Job") as [Manifest];
  const migrate = await start(job, containerOf(job).command ?? []);
  await once(migrate, "exit");
  expect(migrate.exitCode).toBe(0);

  const command = JSON.parse(/^CMD (\[.*\])$/m.exec(await readFile("Dockerfile", "utf8"))?.[1] ?? "[]") as string[];
  const deployments = ofKind("Deployment", base);
  for (const deployment of deployments) await start(deployment, command);
  for (const deployment of deployments) {
    const { name } = deployment.metadata;
    const { startupProbe, livenessProbe, readinessProbe } = containerOf(deployment);
    for (const probe of [startupProbe, livenessProbe, readinessProbe]) {
      const port = ports.get(name)?.health;
      const answers = async () => (await fetch(`http://127.0.0.1:${port}${probe?.httpGet.path}`)).status === 200;
      await eventually(`${name} to answer ${probe?.httpGet.path}`, answers, { within: 120_000, every: 200 });
    }
  }
  const health = async () => (await fetch(`http://127.0.0.1:${ports.get("gateway")?.http}/health`)).json();
  await eventually("a healthy mesh", async () => ((await health()) as { status: string }).status === "ok", {
    every: 500,
  });
}, 240_000);

test("a person who signs up gets a mail, and signs in", async () => {
  const api = createApiClient(`http://127.0.0.1:${ports.get("gateway")?.http}`);
  const running: Running = { api, mails, admin: { email: "", password: "" } };
  // With the settings of production, passwords that would wait for a busy processor for more than a second are refused.
  const person = await eventually("a sign-up", () => register(running));
  await eventually("a verified address", () => verifyAddress(running, person).then(() => true));
  const { access } = await eventually("a sign-in", () => signIn(running, person));
  expect((await api.get("users/me", access)).body.data).toMatchObject({ email: person.email, is_verified: true });
  expect((await fetch(`${api.url}/login`)).status).toBe(200);
});

test("a process loads a package only for a service that uses it", async () => {
  const roles = JSON.parse(await readFile(join(release, "roles.json"), "utf8")) as Readonly<Record<string, Role>>;
  const workers = ["worker-mail", "worker-maintenance", "worker-pictures", "worker-push", "worker-webhooks"];
  const withTables = ["admin", "auth", "mail", "preferences", "sessions", "users", "webhooks"];
  const users: Readonly<Record<string, readonly string[]>> = {
    moleculer: ["gateway", ...withTables, ...workers],
    typeorm: withTables,
    bullmq: ["admin", "auth", "mail", "webhooks", ...workers],
    "moleculer-web": ["gateway"],
    jose: ["auth", "gateway"],
    bcrypt: ["auth"],
    "@zxcvbn-ts/language-common": ["auth"],
    nodemailer: ["mail"],
    standardwebhooks: ["webhooks"],
    "@opentelemetry/sdk-trace": [],
    "zod-openapi": [],
    // Of Moleculer's command line, which is left out.
    args: [],
  };
  for (const [name, expected] of Object.entries(users)) {
    const found = Object.keys(roles).filter((role) => roles[role]?.packages.includes(name));
    expect([name, found.toSorted()]).toEqual([name, expected.toSorted()]);
  }
});
