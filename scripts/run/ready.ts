import { setTimeout as delay } from "node:timers/promises";

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
