import { writeFile } from "node:fs/promises";
import { ConfigError } from "../../lib/config/config.ts";
import { schemas } from "../../lib/database/database-roles.ts";

/** Writes an empty step: `npm run migrate:new -- users add-nickname`. */
export async function writeNewMigration([schema, name]: string[], say: (line: string) => void): Promise<void> {
  if (!schemas.some((one) => one === schema) || !/^[a-z][a-z0-9-]*$/.test(name ?? "")) {
    throw new ConfigError([`Usage: npm run migrate:new -- <${schemas.join("|")}> <name-with-hyphens>`]);
  }
  const stamp = Date.now();
  const file = `services/${schema}/migrations/${stamp}-${name}.ts`;
  await writeFile(file, template(`${pascal(name ?? "")}${stamp}`), { flag: "wx" });
  say(`Wrote ${file}. List it in services/${schema}/migrations/index.ts.`);
}

function template(name: string): string {
  return `import type { Migration } from "../../../mixins/migration.ts";\n\nexport const migration: Migration = {\n  name: "${name}",\n  up: [],\n  down: [],\n};\n`;
}

function pascal(name: string): string {
  return name.replace(/(?:^|-)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
