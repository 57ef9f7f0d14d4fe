import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, test } from "@jest/globals";

/** What the image runs, with the variables that the documentation of an earlier system gives to `docker run`. */
function run(env: Readonly<Record<string, string>>): ChildProcess {
  const args = ["--require", "./scripts/environment.cjs", "scripts/container.ts"];
  return spawn(process.execPath, args, {
    env: { PATH: process.env.PATH, NATS_URL: "", REDIS_URL: "", ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
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
});
