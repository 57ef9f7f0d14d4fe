import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { copyFile, mkdtempDisposable, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { generateClientTypes } from "../../scripts/client-types.ts";
import { type RunningServices, startServices } from "../support/start/services.ts";
import { installTools } from "../support/start/tools.ts";

const run = promisify(execFile);
const PACKAGE = "clients/typescript";
const tsc = join(process.cwd(), "node_modules/typescript/bin/tsc");

describe("the TypeScript client", () => {
  let running: RunningServices;
  beforeAll(async () => {
    [running] = await Promise.all([startServices("all"), installTools()]);
  }, 400_000);
  afterAll(() => running?.stop());

  test("has the types of the OpenAPI document (else: npm run client:types)", async () => {
    expect(await generateClientTypes()).toBe(await readFile(`${PACKAGE}/src/schema.ts`, "utf8"));
  }, 60_000);

  test("installed from its tarball, compiles and runs what an application does", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "client-"));
    const cwd = folder.path;
    const { stdout: packed } = await run("npm", ["pack", "--json", "--pack-destination", cwd], { cwd: PACKAGE });
    const [{ filename, files }] = JSON.parse(packed.slice(packed.indexOf("[\n")));
    expect(
      files.map(({ path }: { path: string }) => path.split("/")[0]).filter((one: string) => one !== "dist"),
    ).toEqual(["README.md", "package.json"]);
    await writeFile(join(cwd, "package.json"), '{"type": "module"}');
    await run("npm", ["install", "--offline", "--no-audit", "--no-fund", `./${filename}`], { cwd });
    await copyFile(`${PACKAGE}/test/flow.ts`, join(cwd, "flow.ts"));
    const options = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2024", "--types", "", "flow.ts"];
    await run(process.execPath, [tsc, ...options], { cwd });

    const email = `ada.${randomBytes(6).toString("hex")}@example.com`;
    const env = { PATH: process.env.PATH, USERMESH_URL: running.url, EMAIL: email };
    const { stdout } = await run(process.execPath, ["flow.ts"], { cwd, env, timeout: 60_000 });
    expect(JSON.parse(stdout)).toEqual({
      registered: 201,
      signedIn: true,
      headline: "Programmer",
      refused: "validation_failed",
      sessions: [1, 1],
      tiers: ["premium", "premium", "premium", "premium", "premium"],
      refreshes: 1,
      refreshesOfTabs: 1,
      company: "Analytical Engines",
      attempts: [3, 1],
      cookies: [null, true, true],
      withCsrf: "London",
      afterRefresh: "London",
      signedOut: [false, "token_missing"],
      events: [["session_ended"], ["session_ended"], false],
    });
  }, 120_000);
});
