import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "@jest/globals";

test("`npm run bench -- --short` measures every part and writes a report", async () => {
  const folder = await mkdtemp(join(tmpdir(), "usermesh-test-"));
  const path = join(folder, "report.json");
  const args = ["--require", "./scripts/environment.cjs", "test/bench/bench.ts", "--short", "--json", path];
  const bench = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
  const [errors, [code]] = await Promise.all([bench.stderr.toArray(), once(bench, "exit")]);
  expect([code, code === 0 ? "" : errors.join("")]).toEqual([0, ""]);
  const { lines } = JSON.parse(await readFile(path, "utf8"));
  await rm(folder, { recursive: true });
  const measured = lines.map((line: { what: string }) => line.what);
  expect(measured).toEqual(
    expect.arrayContaining([
      "GET /users/me, one process",
      "GET /users/me, mesh",
      "p99 of refresh in a sign-in storm, one process",
      "p99 of GET /users/me in a sign-in storm, mesh",
      "mail, request to SMTP, mesh",
      "memory, gateway-1",
    ]),
  );
}, 300_000);
