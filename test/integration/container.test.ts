import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { startMailbox } from "../../scripts/local-servers/mailbox.ts";
import { findFreePort } from "../../scripts/local-servers/ports.ts";
import { waitForGateway } from "../../scripts/run/ready.ts";
import { createApiClient } from "../support/clients/api-client.ts";
import { newPerson, register, signIn, verifyAddress } from "../support/flows/main-flow.ts";
import { createTestDatabase } from "../support/start/database.ts";

/** What the image runs, with the variables that the documentation of an earlier system gives to `docker run`. */
function run(env: Readonly<Record<string, string>>): ChildProcess {
  const args = ["--require", "./scripts/environment.cjs", "scripts/container.ts"];
  return spawn(process.execPath, args, {
    env: { PATH: process.env.PATH, NATS_URL: "", REDIS_URL: "", ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
}

/** A port of its own, so that tests can run beside each other. */
async function waitUntilServing(env: Readonly<Record<string, string>>) {
  const port = await findFreePort();
  const url = `http://localhost:${port}`;
  const container = run({ ...env, APP_PORT: String(port), PUBLIC_URL: url });
  container.stderr?.resume();
  await waitForGateway(url);
  return { container, api: createApiClient(url) };
}

describe("docker run with the variables of an earlier system", () => {
  test("is refused in production, with a line for each setting that is missing or unsafe", async () => {
    const container = run({
      NODE_ENV: "production",
      DATABASE_URL: "postgresql://username:password@db:5432/user_service_db",
      JWT_SECRET_KEY: "your-super-secret-jwt-key",
    });
    const text = (await container.stderr?.toArray())?.join("") ?? "";
    for (const name of ["NATS_URL", "REDIS_URL", "SMTP_HOST", "PUBLIC_URL"])
      expect(text).toContain(`- ${name} must be set`);
    expect(text).toContain("SECRET_KEY (set as JWT_SECRET_KEY) is a placeholder");
    expect(text).toContain("set NODE_ENV=development");
    expect(container.exitCode ?? (await once(container, "exit"))[0]).toBe(1);
  });

  test("makes its tables in an empty database outside production, and serves everything in one process", async () => {
    const mailbox = await startMailbox();
    const database = await createTestDatabase({ isEmpty: true });
    await using folder = await mkdtempDisposable(join(tmpdir(), "container-"));
    const { container, api } = await waitUntilServing({
      NODE_ENV: "development",
      USERMESH_PROFILE: "job-dashboard",
      DATABASE_URL: database.url,
      JWT_SECRET_KEY: "k".repeat(40),
      SMTP_HOST: mailbox.host,
      SMTP_PORT: String(mailbox.port),
      SMTP_TLS: "off",
      DATA_DIR: folder.path,
    });
    try {
      const running = { api, admin: newPerson(), mails: mailbox.messages };
      const person = await register(running);
      await verifyAddress(running, person);
      const { access } = await signIn(running, person);
      expect((await api.get("users/me", access)).body.data).toMatchObject({ email: person.email, is_verified: true });
      container.kill("SIGTERM");
      expect(await once(container, "exit")).toEqual([0, null]);
    } finally {
      container.kill("SIGKILL");
      await Promise.all([database.drop(), mailbox.stop()]);
    }
  });
});
