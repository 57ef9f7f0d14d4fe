import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { startUsermesh, type Usermesh } from "../support/start/usermesh.ts";

/** A refused request ends the script. */
const strict = 'set -euo pipefail\ncurl() { command curl --fail-with-body "$@"; }\n';

function shellBlocks(document: string): string {
  return [...document.matchAll(/```sh\n([\s\S]*?)```/g)].map((match) => match[1]).join("\n");
}

/** Readers paste the blocks. An interactive zsh takes no comments, and `path` is its PATH. */
const shells = { bash: ["--norc"], zsh: ["-f", "-i"] };
const installed = Object.entries(shells).filter(([name]) => spawnSync(name, ["-c", ":"]).status === 0);

describe.each(installed)("pasted into %s", (shell, options) => {
  let usermesh: Usermesh;
  beforeAll(async () => {
    usermesh = await startUsermesh();
  });
  afterAll(() => usermesh.stop());

  async function paste(script: string, env: Readonly<Record<string, string>> = {}) {
    const child = spawn(shell, options, { env: { PATH: process.env.PATH, PS1: "", ...env }, timeout: 60_000 });
    child.stdin.end(`${script}\nexit\n`);
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    return { stdout, stderr };
  }

  test("docs/api-examples.md runs from top to bottom, and nothing in it is refused", async () => {
    const env = {
      API: `${usermesh.url}/api/v1`,
      MAILS: `${usermesh.url}/dev/mail`,
      ADMIN_PASSWORD: usermesh.admin.password,
    };
    const { stdout, stderr } = await paste(strict + shellBlocks(readFileSync("docs/api-examples.md", "utf8")), env);
    expect(stderr).not.toMatch(/not found|error|parse/i);
    expect(stdout.match(/^\{"success":true.*\}$/gm)?.length).toBeGreaterThan(12);
    expect(stdout).toContain('"company":"Navy"');
  });

  test("the first session of the README ends with a token that is refused", async () => {
    const [, section = ""] = /## A first session\n([\s\S]*?)\n## /.exec(readFileSync("README.md", "utf8")) ?? [];
    const { stdout, stderr } = await paste(shellBlocks(section).replaceAll("http://localhost:3000", usermesh.url));
    expect(stderr).not.toMatch(/not found|error|parse/i);
    expect(stdout).toContain("email: 'ada@example.com'");
    expect(stdout).toContain("headline: 'First programmer'");
    expect(stdout.trim()).toMatch(/401 session_ended: This session has ended\. Sign in again\.$/);
  });
});
