import { stripTypeScriptTypes } from "node:module";
import { dirname, join } from "node:path";
import { init, parse } from "es-module-lexer";
import { packages } from "./sources.ts";

/** In a release, the build has removed the types, so that a gateway does not load the parser of TypeScript. */
const HAS_TYPES = import.meta.filename.endsWith(".ts");

/** An import in the text of a module: the positions of its specifier, and the file that it means. */
interface Import {
  readonly start: number;
  readonly end: number;
  readonly file: string;
  readonly isDynamic: boolean;
}

export interface BrowserModule {
  readonly code: string;
  readonly imports: readonly Import[];
}

/** Reads a module: its types are removed, and its imports are found. `path` decides what its imports mean. */
export async function readBrowserModule(path: string, source: string): Promise<BrowserModule> {
  await init;
  const code = (HAS_TYPES && path.endsWith(".ts") ? stripTypes(source) : source).replace(
    /^\/\/# sourceMappingURL=.*$/m,
    "",
  );
  const imports = parse(code)[0].flatMap(({ specifier, start, end, type }) => {
    if (specifier === undefined || specifier === null || (type !== "static" && type !== "dynamic")) return [];
    return [{ start, end, file: resolveImport(path, specifier), isDynamic: type === "dynamic" }];
  });
  return { code, imports };
}

/** The code with each imported file replaced by its URL, relative to the module's own. */
export function linkModule({ code, imports }: BrowserModule, urlOf: (file: string) => string): string {
  let linked = "";
  let position = 0;
  for (const { start, end, file, isDynamic } of imports) {
    const url = `./${urlOf(file)}`;
    linked += code.slice(position, start) + (isDynamic ? JSON.stringify(url) : url);
    position = end;
  }
  return linked + code.slice(position);
}

function resolveImport(importer: string, specifier: string): string {
  if (specifier.startsWith(".")) return join(dirname(importer), specifier);
  const file = packages.get(specifier);
  if (file === undefined) throw new Error(`${importer} imports ${specifier}, which is not served to browsers.`);
  return file;
}

/**
 * Blanks out the types. Node prints a warning that this function is experimental at its first call; among the JSON lines
 * of the log it would only be noise.
 */
function stripTypes(source: string): string {
  const { emitWarning } = process;
  process.emitWarning = () => undefined;
  try {
    return stripTypeScriptTypes(source);
  } finally {
    process.emitWarning = emitWarning;
  }
}
