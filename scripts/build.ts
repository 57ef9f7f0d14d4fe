import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { bundle } from "./build/bundle.ts";
import { copyFiles } from "./build/files.ts";
import { copyBundledManifests, copyPackages } from "./build/packages.ts";
import { rolesOf } from "./build/roles.ts";

/**
 * `npm run build [folder]`: writes a release to `dist/`, which needs nothing outside of it but Node.js and runs the same
 * commands as the sources. The image contains it. docs/decisions/023-bundles-in-the-image.md gives the reasons.
 */
const root = join(import.meta.dirname, "..");
const target = resolve(process.argv[2] ?? join(root, "dist"));
const metafile = await bundle(root, target);
await copyFiles(root, target);
await copyPackages(root, target);
await copyBundledManifests(metafile, root, target);
const roles = rolesOf(metafile);
await writeFile(join(target, "roles.json"), `${JSON.stringify(roles, null, 2)}\n`);
for (const [name, { files, bytes }] of Object.entries(roles))
  process.stdout.write(
    `${name.padEnd(20)} ${String(files.length).padStart(3)} files ${Math.round(bytes / 1_024)} kB\n`,
  );
