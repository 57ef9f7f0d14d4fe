import { writeFile } from "node:fs/promises";
import { schemas } from "../../lib/database/database-roles.ts";
import { UsageError } from "../run/command.ts";

/** Writes an empty migration: `npm run migrate:new -- users add-nickname`. */
export async function writeNewMigration([schema, name]: string[], say: (line: string) => void): Promise<void> {
  if (!schemas.some((one) => one === schema) || !/^[a-z][a-z0-9-]*$/.test(name ?? "")) {
    throw new UsageError(`Usage: npm run migrate:new -- <${schemas.join("|")}> <name-with-hyphens>`);
  }
  const file = `services/${schema}/migrations/${Date.now()}-${name}.sql`;
  await writeFile(file, "-- migrate:up\n\n\n-- migrate:down\n\n", { flag: "wx" });
  say(`Wrote ${file}.`);
}
