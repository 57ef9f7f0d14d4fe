import { stopTestPostgres } from "../start/postgres-server.ts";

export default stopTestPostgres;
