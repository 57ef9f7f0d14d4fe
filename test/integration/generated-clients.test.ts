import { randomBytes } from "node:crypto";
import { cp, mkdir, mkdtempDisposable, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type RunningServices, startServices } from "../support/start/services.ts";
import { installTools, runTool, toolsFolder } from "../support/start/tools.ts";

let running: RunningServices;
beforeAll(async () => {
  [running] = await Promise.all([startServices("all"), installTools()]);
}, 400_000);
afterAll(() => running?.stop());

/** How each generator is started: it reads the document `input` and writes to `output`. */
const generators = [
  {
    name: "openapi-fetch",
    args: (input: string, output: string) => [
      "node_modules/openapi-typescript/bin/cli.js",
      input,
      "-o",
      `${output}/schema.ts`,
    ],
  },
  {
    name: "hey-api",
    args: (input: string, output: string) => [
      "node_modules/@hey-api/openapi-ts/bin/run.js",
      "--no-log-file",
      "-i",
      input,
      "-o",
      `${output}/hey-api`,
    ],
  },
];

test.each(generators)(
  "a client generated for $name compiles, and runs the main flow",
  async ({ name, args }) => {
    await using folder = await mkdtempDisposable(join(toolsFolder, "generated-"));
    const cwd = folder.path;
    const input = join(cwd, "openapi.json");
    await writeFile(input, await (await fetch(`${running.url}/openapi.json`)).text());
    await mkdir(join(cwd, "generated"));
    await runTool(args(input, join(cwd, "generated")));
    await cp(join(toolsFolder, `flows/${name}.ts`), join(cwd, `${name}.ts`));
    await cp(join(toolsFolder, "flows/tsconfig.json"), join(cwd, "tsconfig.json"));
    await runTool(["node_modules/typescript/bin/tsc", "-p", cwd]);

    const email = `ada.${randomBytes(6).toString("hex")}@example.com`;
    const seen = await runTool([join(cwd, `${name}.js`)], { USERMESH_URL: running.url, EMAIL: email });
    expect(JSON.parse(seen)).toEqual({
      outcome: "created",
      email,
      company: "Analytical Engines",
      refused: ["validation_failed", "username"],
      after: [401, "session_ended"],
    });
  },
  120_000,
);
