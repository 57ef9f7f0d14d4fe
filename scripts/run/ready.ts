import { setTimeout as delay } from "node:timers/promises";
import { connect } from "nats";
import type { Config } from "../../lib/config/config.ts";
import { systemTimers } from "../../lib/runtime/clock.ts";
import { natsOptions } from "../../lib/runtime/nats-options.ts";
import { retry } from "../../lib/runtime/retry.ts";
import type { Print } from "./terminal.ts";

const TIMEOUT_MS = 30_000;

/** Resolves when the gateway is ready for authenticated requests: it has a lease and has discovered the services. */
export async function waitForGateway(url: string): Promise<void> {
  const deadline = performance.now() + TIMEOUT_MS;
  while (performance.now() < deadline) {
    const response = await fetch(`${url}/health/ready`).catch(() => undefined);
    await response?.body?.cancel();
    if (response?.ok) return;
    await delay(50);
  }
  throw new Error(
    `The gateway at ${url} is not ready after ${TIMEOUT_MS / 1_000} s. See the log, with LOG_LEVEL=debug for details.`,
  );
}

/** If NATS is configured, says where it is, and resolves when it accepts a connection: nodes would wait for it without end. */
export async function waitForNats({ nats }: Pick<Config, "nats">, print: Print, timeoutMs = TIMEOUT_MS): Promise<void> {
  if (nats.url === undefined) return;
  const options = natsOptions(nats.url);
  const where = [options.servers].flat().join(", ");
  print(`NATS: NATS_URL, ${where}`);
  const open = () => connect({ ...options, maxReconnectAttempts: 0 });
  const connection = await retry(open, { timers: systemTimers, delayMs: 250, timeoutMs }).catch((error: Error) => {
    throw new Error(
      `NATS at ${where} can't be reached after ${timeoutMs / 1_000} s: ${error.message}. Start it, correct NATS_URL, or unset NATS_URL: then a server is started here.`,
    );
  });
  await connection.close();
}
