import { getPriority } from "node:os";
import { expect, test } from "@jest/globals";
import bcrypt from "bcrypt";
import pino from "pino";
import { lowerHashPriority, poolThreads } from "../../../services/auth/password/hash-priority.ts";

const onLinux = process.platform === "linux" ? test : test.skip;

onLinux("threads that hash passwords have a lower priority than the event loop", async () => {
  await bcrypt.hash("starts the threads", 4);
  lowerHashPriority({ log: pino({ level: "silent" }) });
  const threads = poolThreads();
  expect(threads.length).toBeGreaterThan(0);
  for (const thread of threads) expect(getPriority(thread)).toBeGreaterThan(getPriority(process.pid));
});
