import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { Client } from "pg";
import { ConfigError, readConfig } from "../lib/config/config.ts";
import { createQuery } from "../lib/database/schema-names.ts";
import { sslOption } from "../lib/database/ssl-option.ts";
import { qualifyFor } from "./migrate/prepare.ts";
import { counted, print } from "./run/terminal.ts";
import { type Anchor, verifyActivity } from "./verify-activity/verify.ts";

const help = `Checks that no entry of the activity log was changed, removed or inserted.

  DATABASE_URL=… npm run verify-activity [-- --anchors <file>]

Prints the head of each tenant's chain: <tenant> <number of entries> <hash>.
Keep the output where nobody who can write to the database can write, and pass
it later as --anchors: a chain that was computed again, or cut off at its end,
no longer contains it. Connects as the owner of the database or as the role of
admin.

Exit codes: 0 verified, 1 broken, 2 invalid arguments.`;

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { anchors: { type: "string" }, help: { type: "boolean" } } });
  if (values.help) {
    print(help);
    return 0;
  }
  const anchors = values.anchors === undefined ? [] : parseAnchors(await readFile(values.anchors, "utf8"));
  const config = readConfig(process.env, "migrate");
  const { url } = config.database;
  if (url === undefined) throw new ConfigError(["DATABASE_URL must name the database whose log is to be verified."]);
  const client = new Client({ connectionString: url, ssl: sslOption(config) });
  await client.connect();
  try {
    const { heads, problems, erased } = await verifyActivity(
      createQuery(client, await qualifyFor(client, config.database)),
      anchors,
    );
    for (const { tenant, seq, hash } of heads) print(`${tenant} ${seq} ${hash}`);
    for (const problem of problems) process.stderr.write(`${problem}\n`);
    process.stderr.write(
      `${counted(heads.length, "chain")}, ${erased} entries without data of erased users, ${counted(problems.length, "problem")}\n`,
    );
    return problems.length === 0 ? 0 : 1;
  } finally {
    await client.end();
  }
}

function parseAnchors(text: string): Anchor[] {
  return text
    .split("\n")
    .map((line) => /^(\S+) (\d+) ([0-9a-f]{64})$/.exec(line.trim()))
    .flatMap((found) => (found ? [{ tenant: found[1] ?? "", seq: Number(found[2]), hash: found[3] ?? "" }] : []));
}

process.exitCode = await main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  return 2;
});
