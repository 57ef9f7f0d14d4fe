import { cp, readFile } from "node:fs/promises";
import { findPackageJSON } from "node:module";
import { basename, dirname, join, relative } from "node:path";
import type { Metafile } from "esbuild";
import { packageFiles, packages } from "../../services/gateway/pages/assets/sources.ts";

/**
 * Packages that are not bundled: those with native code, pino, which starts worker threads by the path of their files, and
 * those for terminals, which are loaded on demand.
 */
export const externalPackages = ["bcrypt", "sharp", "pino", "pino-pretty", "pino-roll", "moleculer-repl"];

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** The external packages with what they depend on, and the files of packages that browsers load. */
export async function copyPackages(root: string, target: string): Promise<void> {
  const manifests = new Set<string>();
  for (const name of externalPackages) await addWithDependencies(name, join(root, "package.json"), manifests);
  for (const file of packages.values()) manifests.add(manifestOf(file));
  for (const manifest of manifests) await copyFolder(dirname(manifest), root, target, isOwn);
  for (const file of Object.values(packageFiles)) {
    await cp(file, join(target, relative(root, file)));
    await copyFolder(dirname(manifestOf(file)), root, target, isManifestOrLicence);
  }
}

/** Bundled packages leave their manifest and licence, which their licences demand and scanners of images look for. */
export async function copyBundledManifests({ inputs }: Metafile, root: string, target: string): Promise<void> {
  const files = Object.keys(inputs).filter((file) => file.startsWith("node_modules/"));
  const folders = new Set(files.map((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? ""));
  for (const folder of folders) await copyFolder(join(root, folder), root, target, isManifestOrLicence);
}

async function addWithDependencies(name: string, from: string, found: Set<string>): Promise<void> {
  const manifest = installedManifest(name, from);
  if (manifest === undefined || found.has(manifest)) return;
  found.add(manifest);
  const { dependencies, optionalDependencies } = JSON.parse(await readFile(manifest, "utf8")) as Manifest;
  for (const needed of Object.keys({ ...dependencies, ...optionalDependencies }))
    await addWithDependencies(needed, manifest, found);
}

/** Undefined for an optional package that is not for this platform. */
function installedManifest(name: string, from: string): string | undefined {
  try {
    return findPackageJSON(name, from);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_MODULE_NOT_FOUND") return undefined;
    throw error;
  }
}

/** The manifest at the root of the file's package; some packages contain others in subfolders. */
function manifestOf(file: string): string {
  const [folder = ""] = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file) ?? [];
  return join(folder, "package.json");
}

const isOwn = (path: string): boolean => basename(path) !== "node_modules";
const isManifestOrLicence = (path: string): boolean =>
  /^(package\.json|(licen[cs]e|copying|notice)\b.*)$/i.test(basename(path));

async function copyFolder(
  folder: string,
  root: string,
  target: string,
  accepts: (path: string) => boolean,
): Promise<void> {
  const filter = (path: string) => path === folder || accepts(path);
  await cp(folder, join(target, relative(root, folder)), { recursive: true, filter });
}
