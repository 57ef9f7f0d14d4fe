import { execFile } from "node:child_process";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

/**
 * `npm run lockfile`: updates package-lock.json for all platforms, each package with its hash. Beside a node_modules folder
 * npm leaves out the optional packages of other platforms (npm/cli#4828), and `npm ci` then rejects the file on those. In
 * an empty folder it resolves all of them. Obsolete when that issue is fixed.
 */
interface Lock {
  packages: Record<string, { readonly integrity?: string }>;
}

const dir = await mkdtemp(join(tmpdir(), "lockfile-"));
try {
  const lock = JSON.parse(await readFile("package-lock.json", "utf8")) as Lock;
  // npm adds the hash to packages that it looks up, and these it does not look up if they are there without one.
  const hashed = Object.entries(lock.packages).filter(
    ([path, { integrity }]) => path === "" || integrity !== undefined,
  );
  await writeFile(join(dir, "package-lock.json"), JSON.stringify({ ...lock, packages: Object.fromEntries(hashed) }));
  await copyFile("package.json", join(dir, "package.json"));
  await promisify(execFile)("npm", ["install", "--package-lock-only", "--ignore-scripts", "--no-audit"], { cwd: dir });
  const updated = JSON.parse(await readFile(join(dir, "package-lock.json"), "utf8")) as Lock;
  const bare = Object.entries(updated.packages).filter(([path, { integrity }]) => path !== "" && !integrity);
  if (bare.length > 0) throw new Error(`Without a hash: ${bare.map(([path]) => path).join(", ")}`);
  await writeFile("package-lock.json", `${JSON.stringify(updated, null, 2)}\n`);
} finally {
  await rm(dir, { recursive: true });
}
