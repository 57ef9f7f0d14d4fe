import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { findFreePort } from "../../scripts/local-servers/ports.ts";
import { waitForGateway } from "../../scripts/run/ready.ts";
import { createApiClient } from "../support/clients/api-client.ts";
import { newPerson } from "../support/flows/main-flow.ts";
import { createTestDatabase, type TestDatabase } from "../support/start/database.ts";

/** What the image runs, with the variables that the documentation of an earlier system gives to `docker run`. */
function run(env: Readonly<Record<string, string>>): ChildProcess {
  const args = ["--require", "./scripts/environment.cjs", "scripts/container.ts"];
  return spawn(process.execPath, args, {
    env: { PATH: process.env.PATH, NATS_URL: "", REDIS_URL: "", ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
}

describe("docker run with the variables of an earlier system", () => {
  let database: TestDatabase;
  let dir: string;
  beforeAll(async () => {
    database = await createTestDatabase();
    dir = await mkdtemp(join(tmpdir(), "usermesh-container-"));
  });
  afterAll(async () => {
    await rm(dir, { recursive: true, force: true });
    await database.drop();
  });

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

  test("runs everything in one container outside production, on the given database", async () => {
    const [port, healthPort] = [await findFreePort(), await findFreePort()];
    const container = run({
      NODE_ENV: "development",
      USERMESH_PROFILE: "job-dashboard",
      ...{ DATABASE_URL: database.url, JWT_SECRET_KEY: "0123456789abcdef".repeat(3), SMTP_HOST: "127.0.0.1" },
      ...{ APP_PORT: String(port), NODE_HEALTH_PORT: String(healthPort), DATA_DIR: dir, PASSWORD_HASH_COST: "4" },
    });
    container.stderr?.resume();
    try {
      const url = `http://127.0.0.1:${port}`;
      await waitForGateway(url);
      const api = await createApiClient(url);
      expect((await api.post("auth/register", { ...newPerson(), password: "SecurePass123" })).status).toBe(201);
      expect((await fetch(`http://127.0.0.1:${healthPort}/health/ready`)).status).toBe(200);
    } finally {
      container.kill("SIGINT");
      await once(container, "exit");
    }
  });
});
