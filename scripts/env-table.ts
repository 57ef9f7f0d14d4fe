import { readFile, writeFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { type Variable, variables } from "../lib/config/variables.ts";

/** Writes `.env.example` and the README's table from the one list of variables: `npm run docs:env`. */
export function envExample(): string {
  const blocks = groups().map(([group, list]) => `# --- ${group}\n${list.map(envLine).join("\n")}`);
  return `# Copy to .env. Everything is optional in development: what is unset is embedded.\n\n${blocks.join("\n\n")}\n`;
}

export function readmeTable(): string {
  const rows = variables.map((one) => `| ${names(one)} | ${one.default ? `\`${one.default}\`` : ""} | ${one.help} |`);
  return ["| variable | default | what it is |", "| --- | --- | --- |", ...rows].join("\n");
}

export const TABLE = /(<!-- variables -->\n)[\s\S]*?(\n<!-- \/variables -->)/;

function groups(): Array<[string, Variable[]]> {
  return [...Map.groupBy(variables, (one) => one.group)];
}

function envLine(one: Variable): string {
  return `# ${one.help.replaceAll("`", "")}\n#${one.name}=${one.default ?? ""}`;
}

function names(one: Variable): string {
  return [one.name, ...(one.aliases ?? []).map((alias) => alias.name)].map((name) => `\`${name}\``).join(", ");
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const readme = await readFile("README.md", "utf8");
  await writeFile(".env.example", envExample());
  await writeFile(
    "README.md",
    readme.replace(TABLE, (_, start, end) => `${start}${readmeTable()}${end}`),
  );
}
