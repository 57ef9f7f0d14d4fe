import { execFile } from "node:child_process";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Builds a release for the meshes of tests, as the image does (docs/decisions/024-tests-share-modules.md). */
export async function buildTestRelease(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "usermesh-test-"));
  await run(process.execPath, ["--require", "./scripts/environment.cjs", "scripts/build.ts", folder]);
  const fill = ["--require", "./scripts/compile-cache.cjs", "scripts/fill-compile-cache.js"];
  await run(process.execPath, fill, { cwd: folder });
  process.env.TEST_RELEASE = folder;
}
