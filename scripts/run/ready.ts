import { setTimeout as delay } from "node:timers/promises";

const TIMEOUT_MS = 30_000;

/** Resolves when the gateway takes signed-in requests: it has a lease and sees the services. */
export async function waitForGateway(url: string): Promise<void> {
  const deadline = performance.now() + TIMEOUT_MS;
  while (performance.now() < deadline) {
    const response = await fetch(`${url}/health/ready`).catch(() => undefined);
    await response?.body?.cancel();
    if (response?.ok) return;
    await delay(50);
  }
  throw new Error(`The gateway at ${url} does not get ready. Its log says why (LOG_LEVEL=debug says more).`);
}
