import { readConfig } from "../lib/config/config.ts";
import { migrate, migrationStatus, type Say, undoMigration } from "./migrate/migrate.ts";
import { writeNewMigration } from "./migrate/new.ts";
import type { SchemaStatus } from "./migrate/schemas.ts";
import { UsageError } from "./run/command.ts";

async function main([command = "up", ...rest]: string[]): Promise<void> {
  const say: Say = (line) => process.stdout.write(`${line}\n`);
  if (command === "new") return writeNewMigration(rest, say);
  const config = readConfig(process.env, "migrate");
  for (const warning of config.warnings) say(warning);
  if (command === "up") return migrate(config, say);
  if (command === "status") return printStatus(await migrationStatus(config), say);
  if (command === "down") return undoMigration(config, rest[0], say);
  throw new UsageError(
    `Unknown command ${JSON.stringify(command)}: use migrate, migrate:status, migrate:down <schema> or migrate:new <schema> <name>.`,
  );
}

function printStatus(statuses: readonly SchemaStatus[], say: Say): void {
  for (const { schema, applied, pending } of statuses) {
    say(
      `${schema.padEnd(12)} ${String(applied.length).padStart(3)} applied, ${pending.length === 0 ? "none pending" : `pending: ${pending.join(", ")}`}`,
    );
  }
}

void main(process.argv.slice(2)).catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
