import { connect } from "nats";
import { Client } from "pg";
import { readConfig } from "../../../lib/config/config.ts";
import { sslOption } from "../../../lib/database/ssl-option.ts";
import { natsOptions } from "../../../lib/runtime/nats-options.ts";

/** Connects as a node of the mesh would, by its environment, and says how it went: trust in an authority is read at a process's start. */
const config = readConfig(process.env);
const found: Record<string, string> = {};
if (config.database.url !== undefined) {
  const client = new Client({
    connectionString: config.database.url,
    ssl: sslOption(config),
    connectionTimeoutMillis: 5_000,
  });
  client.on("error", () => undefined);
  found.postgres = await outcomeOf(async () => {
    await client.connect();
    const { rows } = await client.query("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
    await client.end();
    return rows[0]?.ssl === true;
  });
}
if (config.nats.url !== undefined) {
  const options = { ...natsOptions(config.nats.url), reconnect: false, maxReconnectAttempts: 0 };
  found.nats = await outcomeOf(async () => {
    const connection = await connect(options);
    const encrypted = connection.info?.tls_required === true;
    await connection.close();
    return encrypted;
  });
}
process.stdout.write(JSON.stringify(found));
process.exit(0);

async function outcomeOf(work: () => Promise<boolean>): Promise<string> {
  try {
    return (await work()) ? "encrypted" : "in clear";
  } catch {
    return "refused";
  }
}
