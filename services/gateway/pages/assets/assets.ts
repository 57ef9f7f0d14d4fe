import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { basename, relative } from "node:path";
import { type Compressed, compress } from "../../http/compression.ts";
import { linkModule, readBrowserModule } from "./browser-module.ts";
import { packageFiles, packages, UI_DIR } from "./sources.ts";

/** A file as browsers get it. Its name contains a hash of its content, so that it may be cached forever. */
export interface Asset {
  readonly name: string;
  readonly contentType: string;
  readonly body: Buffer;
  /** Null for a format that is compressed already. */
  readonly compressed: Compressed | null;
  /** The modules that a module needs before it can run, in any depth. */
  readonly imports: readonly string[];
}

export type Assets = ReturnType<typeof createAssets>;

/**
 * The files that pages load, built on first use and kept by name. Modules are linked from the leaves up, because the hash
 * of a module covers the names of the modules that it imports.
 */
export function createAssets() {
  const byName = new Map<string, Asset>();
  const bySource = new Map<string, Promise<Asset>>();

  /** Each source is built once. One that could not be read is tried again. */
  const once = (source: string, build: () => Promise<Asset>): Promise<Asset> => {
    const known = bySource.get(source);
    if (known) return known;
    const asset = build();
    bySource.set(source, asset);
    asset.then(
      (built) => byName.set(built.name, built),
      () => bySource.delete(source),
    );
    return asset;
  };
  const fileAsset = (path: string): Promise<Asset> =>
    once(path, async () => createAsset(basename(path), await readFile(path)));
  const moduleAsset = (path: string): Promise<Asset> =>
    once(path, async () => {
      const module = await readBrowserModule(path, await readFile(path, "utf8"));
      const files = [...new Set(module.imports.map(({ file }) => file))];
      const imported = new Map(await Promise.all(files.map(async (file) => [file, await moduleAsset(file)] as const)));
      const code = linkModule(module, (file) => (imported.get(file) as Asset).name);
      const needed = module.imports
        .filter(({ isDynamic }) => !isDynamic)
        .map(({ file }) => imported.get(file) as Asset);
      const names = new Set(needed.flatMap(({ name, imports }) => [name, ...imports]));
      return createAsset(moduleName(path), Buffer.from(code), [...names]);
    });
  return {
    /** The asset of this name, if it has been built. */
    find: (name: string): Asset | undefined => byName.get(name),
    /** A module of the browser code, by its path in ui/. */
    module: (path: string): Promise<Asset> => moduleAsset(`${UI_DIR}/${path}`),
    /** A stylesheet or image of the browser code, by its path in ui/. */
    file: (path: string): Promise<Asset> => fileAsset(`${UI_DIR}/${path}`),
    packageFile: (name: keyof typeof packageFiles): Promise<Asset> =>
      once(name, async () => createAsset(name, await readFile(packageFiles[name]))),
    /** Content that is generated; `name` has to be unique. */
    generated: (name: string, content: () => Promise<string | Buffer>): Promise<Asset> =>
      once(name, async () => createAsset(name, Buffer.from(await content()))),
  };
}

function moduleName(path: string): string {
  const [specifier] = [...packages].find(([, file]) => file === path) ?? [];
  const name = specifier ?? relative(UI_DIR, path).replace(/\.ts$/, "");
  return `${name.replaceAll("@", "").replaceAll("/", ".")}.js`;
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  png: "image/png",
  svg: "image/svg+xml",
  woff2: "font/woff2",
};
const COMPRESSED: ReadonlySet<string> = new Set(["css", "js", "svg"]);

async function createAsset(name: string, body: Buffer, imports: readonly string[] = []): Promise<Asset> {
  const extension = name.slice(name.lastIndexOf(".") + 1);
  const contentType = CONTENT_TYPES[extension];
  if (contentType === undefined) throw new Error(`Files like ${name} are not served.`);
  const hash = createHash("sha256").update(body).digest("hex").slice(0, 12);
  const hashed = `${name.slice(0, -extension.length - 1)}-${hash}.${extension}`;
  const compressed = COMPRESSED.has(extension) ? await compress(body) : null;
  return { name: hashed, contentType, body, imports, compressed };
}
