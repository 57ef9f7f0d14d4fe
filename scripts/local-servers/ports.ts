import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

const MAX_ATTEMPTS = 5;

/**
 * Below the ports that Linux (from 32768), macOS and Windows (from 49152) give to outgoing connections and to servers
 * without a port of their own. A port from those ranges can be taken before its server listens.
 */
const FIRST_PORT = 10_240;
const LAST_PORT = 32_767;
const MAX_CANDIDATES = 100;

/** A TCP port that is free on loopback; another process may take it at any time. */
export async function findFreePort(): Promise<number> {
  for (let attempt = 1; attempt <= MAX_CANDIDATES; attempt += 1) {
    const port = randomInt(FIRST_PORT, LAST_PORT + 1);
    if (await isFree(port)) return port;
  }
  throw new Error(`None of ${MAX_CANDIDATES} ports between ${FIRST_PORT} and ${LAST_PORT} on 127.0.0.1 is free.`);
}

/**
 * Starts a server on the given port, else on a free one, and tries another if that was taken in the meantime. `usual` is
 * tried first, so that an address stays what it was.
 */
export async function startOnFreePort<T>(
  fixed: number | undefined,
  start: (port: number) => Promise<T>,
  usual?: number,
): Promise<T> {
  if (fixed !== undefined) return start(fixed);
  for (let attempt = 1; ; attempt += 1) {
    try {
      const port = attempt === 1 && usual !== undefined && (await isFree(usual)) ? usual : await findFreePort();
      return await start(port);
    } catch (error) {
      if (attempt === MAX_ATTEMPTS || !isPortTaken(error)) throw error;
    }
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, "127.0.0.1");
  const isListening = await once(server, "listening").then(
    () => true,
    () => false,
  );
  if (isListening) await new Promise((resolve) => server.close(resolve));
  return isListening;
}

function isPortTaken(error: unknown): boolean {
  return error instanceof Error && /address already in use/i.test(error.message);
}
