import { startTestPostgres } from "../start/postgres-server.ts";

/** The PostgreSQL of all test files. What they test outlives killed processes, not a power cut: that is tested for scripts/local-servers, over a server of its own. */
export default (): Promise<void> => startTestPostgres({ fsync: "off", full_page_writes: "off", max_wal_size: "256MB" });
