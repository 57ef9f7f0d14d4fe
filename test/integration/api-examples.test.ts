import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { startUsermesh, type Usermesh } from "../support/start/usermesh.ts";

const run = promisify(execFile);

/** A refused request ends the script. */
const strict = 'set -euo pipefail\ncurl() { command curl --fail-with-body "$@"; }\n';

function shellBlocks(file: string): string {
  return [...readFileSync(file, "utf8").matchAll(/```sh\n([\s\S]*?)```/g)].map((match) => match[1]).join("\n");
}

describe("docs/api-examples.md", () => {
  let usermesh: Usermesh;
  beforeAll(async () => {
    usermesh = await startUsermesh();
  });
  afterAll(() => usermesh.stop());

  test("runs from top to bottom, and nothing in it is refused", async () => {
    const env = {
      PATH: process.env.PATH ?? "",
      API: `${usermesh.url}/api/v1`,
      MAILS: `${usermesh.url}/dev/mail`,
      ADMIN_PASSWORD: usermesh.admin.password,
    };
    const { stdout } = await run("bash", ["-c", strict + shellBlocks("docs/api-examples.md")], {
      env,
      timeout: 60_000,
    });
    expect(stdout.match(/"success":true/g)?.length).toBeGreaterThan(12);
  });
});
