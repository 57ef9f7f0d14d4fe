import "./run/start-node.ts";
import { serviceFiles } from "./run/service-files.ts";

// Runs after `npm ci` and while the image is built. Node.js writes its cache of compiled code when a process exits. If the
// first nodes had to fill it, each of them would block for seconds while it writes a thousand files.
await Promise.all([
  ...Object.values(serviceFiles).map((load) => load()),
  import("../lib/queues/queues.ts"),
  import("../lib/queues/queues-redis.ts"),
  import("../lib/queues/queues-postgres.ts"),
]);
process.exit(0);
