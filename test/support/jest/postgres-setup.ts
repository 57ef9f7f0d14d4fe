import { startTestPostgres } from "../start/postgres-server.ts";

/** The PostgreSQL of all test files. They kill processes, but never cut the power, so that nothing has to reach a disk. */
export default function setup(): Promise<void> {
  // Data in memory have no need of a gigabyte of log.
  const settings = { fsync: "off", full_page_writes: "off", max_wal_size: "256MB" };
  return startTestPostgres({ settings, inMemory: true });
}
