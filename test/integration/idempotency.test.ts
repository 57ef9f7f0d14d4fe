import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type Mailbox, startMailbox } from "../../lib/embedded/mailbox.ts";
import { freePort } from "../../lib/embedded/ports.ts";
import { createApiClient } from "../support/api-client.ts";
import { eventually } from "../support/eventually.ts";
import { describeKeys, registerUntilAnswered } from "../support/idempotency.ts";
import { type Installation, startOneProcess } from "../support/installation.ts";
import { newPerson } from "../support/main-flow.ts";
import { describeReplay } from "../support/replay.ts";

describe("an idempotency key, in one process", () => {
  let usermesh: Installation;
  beforeAll(async () => {
    usermesh = await startOneProcess();
  });
  afterAll(() => usermesh?.stop());

  describeKeys(() => usermesh);
  describeReplay(() => usermesh);
});

const KILLS = 3;
/** Some more than a registration takes here. */
const LATEST_MS = 60;

describe("npm start, killed with all that it started", () => {
  let dir: string;
  let port: number;
  let mailbox: Mailbox;
  let running: ChildProcess | undefined;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "usermesh-start-"));
    port = await freePort();
    mailbox = await startMailbox();
  });
  afterAll(async () => {
    if (running) await end(running, "SIGINT");
    await mailbox?.stop();
    await rm(dir, { recursive: true, force: true });
  }, 60_000);

  /** Its own group and all its servers', whose mails outlive it. */
  const start = async () => {
    const env = {
      PATH: process.env.PATH,
      ...{ DATABASE_URL: "", NATS_URL: "", REDIS_URL: "", SECRET_KEY: "", ADMIN_PASSWORD: "" },
      ...{ MAIL_SERVER: mailbox.host, MAIL_PORT: String(mailbox.port), MAIL_TLS: "off" },
      ...{ DATA_DIR: dir, APP_PORT: String(port), BCRYPT_COST: "4", RATE_LIMIT_ENABLED: "false", LOG_LEVEL: "fatal" },
    };
    const args = ["--require", "./scripts/environment.cjs", "scripts/start.ts"];
    running = spawn(process.execPath, args, { env, stdio: "ignore", detached: true });
    const url = `http://127.0.0.1:${port}`;
    await eventually("readiness", async () => (await fetch(`${url}/health/ready`)).ok, { within: 60_000 });
    return createApiClient(url);
  };

  test(`${KILLS} times in the middle of a keyed registration: one account, one mail, one answer`, async () => {
    let api = await start();
    for (let kill = 0; kill < KILLS; kill += 1) {
      const person = newPerson("mortal");
      const before = registerUntilAnswered([api], person);
      await sleep(Math.random() * LATEST_MS);
      await end(running as ChildProcess, "SIGKILL");
      api = await start();
      const answer = await before;
      const again = await registerUntilAnswered([api], person);
      expect([again.status, again.headers.get("idempotency-replayed")]).toEqual([201, "true"]);
      expect(again.body).toEqual(answer.body);
      expect((await api.post("auth/login", person)).status).toBe(200);
      const mails = () => mailbox.messages().filter((mail) => mail.to.includes(person.email));
      await eventually("the mail", () => mails().length > 0);
      // Killed between the mail server's 250 and our record it comes again, the same.
      expect(new Set(mails().map((mail) => mail.message_id + mail.text)).size).toBe(1);
    }
  }, 150_000);
});

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = once(child, "exit");
  process.kill(-child.pid, signal);
  await gone;
}
