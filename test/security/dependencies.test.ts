import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";

interface Locked {
  readonly version: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly hasInstallScript?: boolean;
}
interface Manifest {
  readonly license?: string;
  readonly licenses?: ReadonlyArray<{ readonly type: string }>;
  readonly allowScripts?: Readonly<Record<string, boolean>>;
}

/** What a user of Usermesh installs with it; `npm audit` runs in CI, where the registry answers it. */
const json = (path: string) => JSON.parse(readFileSync(path, "utf8"));
const locked = Object.entries(json("package-lock.json").packages as Readonly<Record<string, Locked>>).filter(
  ([path]) => path !== "",
);
const production = locked.filter(([, { dev }]) => dev !== true);
const nameOf = (path: string) => path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);

const registry = "https://registry.npmjs.org/";

/** May be used by a program under MIT, with no more than a notice. */
const permissive =
  /^(MIT|MIT-0|ISC|0BSD|BSD|BSD-2-Clause|BSD-3-Clause|Apache-2\.0|BlueOak-1\.0\.0|Python-2\.0|Unlicense|CC0-1\.0)$/;
/** A library that is linked when the program runs, and that anybody may replace: libvips, as sharp's packages ship it. */
const replaceable = /^@img\/sharp-/;

function isCompatible(license: string, path: string): boolean {
  const bare = license.replace(/[()]/g, "");
  if (bare.includes(" OR ")) return bare.split(" OR ").some((one) => isCompatible(one, path));
  return bare
    .split(" AND ")
    .every((one) => permissive.test(one) || (one === "LGPL-3.0-or-later" && replaceable.test(nameOf(path))));
}

/** As it is declared; else by the text that comes with it. */
function licenseOf(path: string, { license }: Locked): string {
  if (license) return license;
  // Another platform's build of a package that is here.
  const here = existsSync(path) ? path : path.replace(/\/@msgpackr-extract\/msgpackr-extract-.*$/, "/msgpackr-extract");
  if (!existsSync(`${here}/package.json`)) return "unknown";
  const manifest = json(`${here}/package.json`) as Manifest;
  const declared = manifest.license ?? manifest.licenses?.[0]?.type;
  if (declared) return declared;
  const file = readdirSync(here).find((name) => /^licen[sc]e/i.test(name));
  const text = file ? readFileSync(`${here}/${file}`, "utf8") : "";
  return /Permission is hereby granted, free of charge, to any person/.test(text) ? "MIT" : "unknown";
}

test("CI runs actions by their commit, and with no right but reading", () => {
  for (const file of readdirSync(".github/workflows")) {
    const text = readFileSync(`.github/workflows/${file}`, "utf8");
    const used = [...text.matchAll(/uses: (\S+)/g)].map(([, action]) => action ?? "");
    expect(used.filter((action) => !/@[0-9a-f]{40}$/.test(action))).toEqual([]);
    expect(text).toMatch(/^permissions: \{ contents: read \}$/m);
  }
});

describe("what is installed with Usermesh", () => {
  test("may be used under MIT", () => {
    const others = production.map(([path, one]) => [nameOf(path), licenseOf(path, one), path] as const);
    expect(others.filter(([, license, path]) => !isCompatible(license, path))).toEqual([]);
    expect(others.length).toBeGreaterThan(100);
  });

  test("is what was locked: each package by its hash, and none from elsewhere than the registry", () => {
    const isHashed = ({ integrity = "" }: Locked) => integrity.startsWith("sha512-");
    const isElsewhere = ({ resolved }: Locked) => !(resolved ?? registry).startsWith(registry);
    const strange = locked.filter(([, one]) => !isHashed(one) || isElsewhere(one));
    expect(strange.map(([path]) => path)).toEqual([]);
  });

  test("runs a script at its installation only where package.json says so by name", () => {
    const { allowScripts = {} } = json("package.json") as Manifest;
    const scripts = new Set(locked.flatMap(([path, one]) => (one.hasInstallScript ? [nameOf(path)] : [])));
    const here = [...scripts].filter((name) => existsSync(`node_modules/${name}`));
    expect(here.filter((name) => !Object.hasOwn(allowScripts, name))).toEqual([]);
  });
});
