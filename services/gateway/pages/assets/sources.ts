import { findPackageJSON } from "node:module";
import { dirname, join } from "node:path";

/** The browser code of the pages. */
export const UI_DIR = join(import.meta.dirname, "..", "..", "ui");

function fileOf(name: string, file: string): string {
  const manifest = findPackageJSON(name, import.meta.url);
  if (manifest === undefined) throw new Error(`The package ${name} is not installed.`);
  return join(dirname(manifest), file);
}

/** Packages that browser code may import, by the specifier that it uses. No other one is served. */
export const packages: ReadonlyMap<string, string> = new Map([
  ["preact", fileOf("preact", "dist/preact.mjs")],
  ["preact/hooks", fileOf("preact", "hooks/dist/hooks.mjs")],
  ["htm", fileOf("htm", "dist/htm.mjs")],
  ["htm/preact", fileOf("htm", "preact/index.mjs")],
  ["@preact/signals-core", fileOf("@preact/signals-core", "dist/signals-core.mjs")],
  ["@preact/signals", fileOf("@preact/signals", "dist/signals.mjs")],
  ["intl-messageformat", fileOf("intl-messageformat", "index.js")],
  ["@formatjs/fast-memoize", fileOf("@formatjs/fast-memoize", "index.js")],
  // Messages are parsed here and not in the browser, which saves it 10 kB.
  ["@formatjs/icu-messageformat-parser", fileOf("@formatjs/icu-messageformat-parser", "no-parser.js")],
]);

/** Files of packages that pages load by name. */
export const packageFiles = {
  "redoc-standalone.js": fileOf("redoc", "bundles/redoc.standalone.js"),
  "swagger-ui-bundle.js": fileOf("swagger-ui-dist", "swagger-ui-bundle.js"),
  "swagger-ui.css": fileOf("swagger-ui-dist", "swagger-ui.css"),
} as const;
