import { spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startNats } from "../../../../scripts/local-servers/nats.ts";
import { startTestRun } from "../../../support/jest/test-run.ts";

/** A run of the tests, with a server and a process that nobody stops: prints one line of JSON and stays. */
const silent = (): void => undefined;
const log = { debug: silent, info: silent, warn: silent, error: silent };
const { dir, databaseDir } = await startTestRun();
const nats = await startNats({ dir: join(tmpdir(), "nats"), log });
const forgotten = spawn(process.execPath, ["-e", "setInterval(() => {}, 1_000)"], { detached: true, stdio: "ignore" });
console.log(JSON.stringify({ pids: [nats.pid, forgotten.pid], dataDir: dir, databaseDir }));
