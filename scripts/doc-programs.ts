import { glob, readFile, writeFile } from "node:fs/promises";

const BLOCK = /(```\w+ file=(\S+)\n)[\s\S]*?(```\n)/g;

/** Documents that show programs: a block with `file=<path>` contains the text of that file, which a test runs. */
export async function documentsWithPrograms(): Promise<string[]> {
  const found: string[] = [];
  for await (const path of glob(["docs/**/*.md", "clients/*/README.md"])) {
    if ((await readFile(path, "utf8")).match(BLOCK)) found.push(path);
  }
  return found.toSorted();
}

/** The text of the document with the current text of each program. */
export async function withPrograms(document: string): Promise<string> {
  const text = await readFile(document, "utf8");
  const names = [...text.matchAll(BLOCK)].map((match) => match[2] ?? "");
  const programs = new Map(await Promise.all(names.map(async (name) => [name, await readFile(name, "utf8")] as const)));
  return text.replace(BLOCK, (_, start, name, end) => `${start}${programs.get(name)}${end}`);
}

if (import.meta.main) {
  for (const document of await documentsWithPrograms()) await writeFile(document, await withPrograms(document));
}
