import { readFile, writeFile } from "node:fs/promises";

/**
 * `npm run lockfile`: updates package-lock.json for all platforms. npm leaves out optional packages of other platforms
 * (npm/cli#4828), and `npm ci` then rejects the file on those. They are added with the platform that their name
 * contains. Obsolete when that issue is fixed.
 */
interface Package {
  readonly version?: string;
  readonly dev?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const systems = [
  "android",
  "darwin",
  "freebsd",
  "linux",
  "openharmony",
  "openbsd",
  "netbsd",
  "sunos",
  "aix",
  "win32",
  "wasm32",
];
const processors = ["arm64", "x64", "ia32", "arm", "ppc64", "riscv64", "s390x", "loong64", "mips64el", "wasm32"];

const path = "package-lock.json";
const lock = JSON.parse(await readFile(path, "utf8")) as { packages: Record<string, Package> };
const known = new Set(Object.keys(lock.packages).map(nameOf));
const added: string[] = [];
for (const parent of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
    if (known.has(name) || !/^\d/.test(version)) continue;
    known.add(name);
    added.push(name);
    lock.packages[`node_modules/${name}`] = {
      version,
      ...(parent.dev && { dev: true }),
      ...platformOf(name),
    } as Package;
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([left], [right]) => (left < right ? -1 : 1)));
await writeFile(path, `${JSON.stringify(lock, null, 2)}\n`);
process.stdout.write(`Added ${added.length} packages of other platforms to ${path}.\n`);

function nameOf(location: string): string {
  return location.split("node_modules/").at(-1) ?? location;
}

function platformOf(name: string): { optional: true; os?: string[]; cpu?: string[] } {
  const os = systems.find((one) => name.includes(one));
  const cpu = processors.find((one) => name.includes(one));
  return { optional: true, ...(cpu && { cpu: [cpu] }), ...(os && os !== "wasm32" && { os: [os] }) };
}
