import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";

interface Manifest {
  readonly engines: { readonly node: string };
  readonly scripts: Readonly<Record<string, string>>;
}

const run = promisify(execFile);
const environment = resolve("scripts/environment.cjs");
let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "usermesh-env-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** NODE_ENV and APP_PORT of a process that was started in a folder with this `.env`. */
async function environmentOf(file: Buffer, env: Record<string, string> = {}): Promise<string> {
  await writeFile(join(dir, ".env"), file);
  const script = "process.stdout.write([process.env.NODE_ENV, process.env.APP_PORT].join(' '))";
  const options = { cwd: dir, env: { PATH: process.env.PATH ?? "", ...env } };
  return (await run(process.execPath, ["--require", environment, "-e", script], options)).stdout;
}

describe("postinstall", () => {
  const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as Manifest;
  const install = () => run("/bin/sh", ["-c", scripts.postinstall ?? ""], { cwd: dir });

  test("does nothing where only package.json was copied", async () => {
    expect(await install()).toEqual({ stdout: "", stderr: "" });
  });

  test("does not read .env, which may be malformed", async () => {
    await symlink(resolve("scripts"), join(dir, "scripts"));
    await writeFile(join(dir, ".env"), "A=\0");
    expect(await install()).toEqual({ stdout: "", stderr: "" });
  });
});

describe(".env", () => {
  const text = "NODE_ENV=production\r\nAPP_PORT='8080'\r\n";

  test("is read with a byte-order mark, whose line counts", async () => {
    expect(await environmentOf(Buffer.from(`\ufeff${text}`))).toBe("production 8080");
  });

  test("is read in UTF-16, as Windows PowerShell writes it", async () => {
    expect(await environmentOf(Buffer.from(`\ufeff${text}`, "utf16le"))).toBe("production 8080");
  });

  test("gives way to variables that are set", async () => {
    expect(await environmentOf(Buffer.from(text), { APP_PORT: "1" })).toBe("production 1");
  });

  test("may name authorities to trust in addition, which Node.js reads from the environment before", async () => {
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "key.pem"];
    await run("openssl", ["req", "-x509", ...key, "-out", "ca.pem", "-days", "2", "-subj", "/CN=Our CA"], { cwd: dir });
    await writeFile(join(dir, ".env"), "NODE_EXTRA_CA_CERTS=ca.pem\n");
    const script = `const own = require("fs").readFileSync("ca.pem", "utf8").trim();
      process.stdout.write(String(require("tls").getCACertificates("default").some((one) => one.trim() === own)))`;
    const options = { cwd: dir, env: { PATH: process.env.PATH ?? "" } };
    expect((await run(process.execPath, ["--require", environment, "-e", script], options)).stdout).toBe("true");
  });

  test("in any other encoding stops the start in one line", async () => {
    const { code, stderr } = await environmentOf(Buffer.from([0x41, 0x3d, 0xff])).then(
      () => ({ code: 0, stderr: "" }),
      (error: { code: number; stderr: string }) => error,
    );
    expect([code, stderr]).toEqual([1, ".env is not a text file in UTF-8.\n"]);
  });
});

describe("Node.js 24", () => {
  test.each(["20.20.0", "22.18.0", "23.11.1"])("is asked for in one line by what runs under %s", async (version) => {
    const pretend = `Object.defineProperty(process.versions, "node", { value: "${version}" }); require(${JSON.stringify(environment)}); console.log("ran")`;
    const result = await run(process.execPath, ["-e", pretend], { cwd: dir }).catch((error) => error);
    expect([result.code, result.stdout]).toEqual([1, ""]);
    expect(result.stderr).toMatch(/^Usermesh needs Node\.js 24 or newer, and this is .*\n$/);
    expect(result.stderr).toContain(version);
  });

  test("is what package.json requires, and every command checks it first", () => {
    const manifest = JSON.parse(readFileSync("package.json", "utf8")) as Manifest;
    expect(manifest.engines.node).toBe(">=24");
    const commands = Object.entries(manifest.scripts).filter(
      ([name, command]) => /scripts\/(?!env-table|complete-lockfile)\w+\.ts/.test(command) && name !== "lockfile",
    );
    expect(commands.length).toBeGreaterThan(8);
    for (const [, command] of commands) expect(command).toContain("--require ./scripts/environment.cjs");
  });
});

test("compiled code is kept in a folder of the installation, which other users of the machine can't write to", async () => {
  const script = "process.stdout.write(require('node:module').getCompileCacheDir())";
  const { stdout } = await run(process.execPath, ["--require", environment, "-e", script], { cwd: dir });
  expect(stdout.startsWith(resolve("node_modules/.cache/usermesh"))).toBe(true);
});
