import { createHash, timingSafeEqual } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { ServiceCaller } from "../../../lib/actions/caller.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import type { Clock } from "../../../lib/runtime/clock.ts";
import { rateLimitKey } from "../../../lib/runtime/rate-limit-key.ts";

/** Of one service from one address per minute. A service that has its secret right is wrong never. */
const MAX_FAILURES = 20;
const WINDOW_MS = 60_000;
const MAX_REMEMBERED = 10_000;

/**
 * Authenticates external services by name and secret, sent as Basic credentials (RFC 7617, RFC 6749 section 2.3.1).
 * Throws 401 for wrong ones, and 429 after 20 of them in a minute.
 */
export function createServiceSecrets(
  secrets: Readonly<Record<string, string>>,
  clock: Clock,
): (header: string, ip: string) => ServiceCaller {
  const failures = new LRUCache<string, number>({
    max: MAX_REMEMBERED,
    ttl: WINDOW_MS,
    ttlResolution: 0,
    noUpdateTTL: true,
    perf: { now: clock.monotonic },
  });
  const digests = new Map(Object.entries(secrets).map(([name, secret]) => [name, secretDigest(secret)]));
  const unknown = secretDigest("");
  return (header, ip) => {
    const text = Buffer.from(header.slice(6).trim(), "base64").toString();
    const colon = text.indexOf(":");
    const name = text.slice(0, Math.max(0, colon));
    const key = `${rateLimitKey(ip)} ${digests.has(name) ? name : ""}`;
    const failed = failures.get(key) ?? 0;
    if (failed >= MAX_FAILURES)
      throw new AppError("rate_limited", {
        retry_after: Math.max(1, Math.ceil(failures.getRemainingTTL(key) / 1_000)),
      });
    // Compares for an unknown name too, so that the time does not reveal which names exist.
    const isRight = timingSafeEqual(digests.get(name) ?? unknown, secretDigest(text.slice(colon + 1)));
    if (isRight && digests.has(name)) return { kind: "service", name };
    failures.set(key, failed + 1);
    throw new AppError("token_invalid", { message: "The service credentials are invalid." });
  };
}

/** Secrets are compared by their digest, because timingSafeEqual needs equal lengths. */
export function secretDigest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
