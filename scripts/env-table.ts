import { readFile, writeFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import * as z from "zod";
import { groups, namesOf, type Variable } from "../lib/config/variables.ts";

/** Writes `.env.example` and the README's table from the table of variables: `npm run docs:env`. */
export function envExample(): string {
  const blocks = Object.entries(groups).map(
    ([group, table]) => `# --- ${group}\n${Object.entries<Variable>(table).map(envLine).join("\n")}`,
  );
  return `# Copy to .env. In development everything is optional: servers that are not set are embedded.\n\n${blocks.join("\n\n")}\n`;
}

export function readmeTable(): string {
  const rows = Object.values(groups).flatMap((table) => Object.entries<Variable>(table).map(tableRow));
  return ["| variable | default | description |", "| --- | --- | --- |", ...rows].join("\n");
}

export const TABLE = /(<!-- variables -->\n)[\s\S]*?(\n<!-- \/variables -->)/;

function envLine([name, { schema, help }]: [string, Variable]): string {
  return `# ${help.replaceAll("`", "")}\n#${name}=${defaultOf(schema)}`;
}

function tableRow([name, one]: [string, Variable]): string {
  const names = namesOf(name, one).map((its) => `\`${its.name}\``);
  const value = defaultOf(one.schema);
  return `| ${names.join(", ")} | ${value && `\`${value}\``} | ${one.help} |`;
}

function defaultOf(schema: Variable["schema"]): string {
  return schema instanceof z.ZodPrefault ? String(schema.def.defaultValue) : "";
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const readme = await readFile("README.md", "utf8");
  await writeFile(".env.example", envExample());
  await writeFile(
    "README.md",
    readme.replace(TABLE, (_, start, end) => `${start}${readmeTable()}${end}`),
  );
}
