import { globSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

// Runs after `npm ci` and while the image is built. Node.js writes its cache of compiled code when a process exits. If the
// first nodes had to fill it, each of them would block for seconds while it writes a thousand files.
const root = join(import.meta.dirname, "..");
for (const file of globSync(["scripts/run/start-node.ts", "services/*/*.service.ts", "workers/*.worker.ts"], {
  cwd: root,
}))
  await import(pathToFileURL(join(root, file)).href);
process.exit(0);
