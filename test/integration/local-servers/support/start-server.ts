import { startNats } from "../../../../scripts/local-servers/nats.ts";
import { startRedis } from "../../../../scripts/local-servers/redis.ts";

/** A usermesh of its own process with one server, so that a test can kill it: prints one line of JSON and stays. */
const [which, dir = ""] = process.argv.slice(2);
const silent = (): void => undefined;
const log = { debug: silent, info: silent, warn: silent, error: silent };
const { stop: _, ...server } = await (which === "nats" ? startNats({ dir, log }) : startRedis({ dir, log }));
console.log(JSON.stringify(server));
