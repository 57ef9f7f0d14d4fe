import { startPostgres } from "../../../../scripts/local-servers/postgres.ts";

/** A usermesh of its own process, so that a test can kill it: prints one line of JSON and stays. */
const [dataDir = "", shared] = process.argv.slice(2);
const silent = (): void => undefined;
const log = { debug: silent, info: silent, warn: silent, error: silent };

process.once("SIGTERM", () => process.exit(0));

try {
  const startedAt = performance.now();
  const { stop: _, ...server } = await startPostgres({ dataDir, log, shared });
  console.log(JSON.stringify({ ...server, ms: Math.round(performance.now() - startedAt) }));
} catch (error) {
  console.log(JSON.stringify({ error: (error as Error).message }));
}
