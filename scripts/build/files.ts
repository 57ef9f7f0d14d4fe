import { cp, glob, mkdir, readFile, writeFile } from "node:fs/promises";
import { stripTypeScriptTypes } from "node:module";
import { dirname, join } from "node:path";

/** What nodes and commands read while they run, at the same path as in the sources. */
const FILES = [
  "scripts/{environment,compile-cache}.cjs",
  "{services,mixins}/*/{migrations,sql}/*.sql",
  "services/mail/templates/*",
  "services/gateway/ui/**/*.{css,json,png,svg,ts,txt,woff2}",
];

export async function copyFiles(root: string, target: string): Promise<void> {
  for await (const file of glob(FILES, { cwd: root })) {
    const to = join(target, file);
    await mkdir(dirname(to), { recursive: true });
    if (file.endsWith(".ts")) await writeFile(to, stripTypeScriptTypes(await readFile(join(root, file), "utf8")));
    else await cp(join(root, file), to);
  }
  const { name, version, license, type } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  await writeFile(join(target, "package.json"), `${JSON.stringify({ name, version, license, type }, null, 2)}\n`);
}
