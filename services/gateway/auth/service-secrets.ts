import { createHash, timingSafeEqual } from "node:crypto";
import type { ServiceCaller } from "../../../lib/actions/caller.ts";
import { AppError } from "../../../lib/actions/errors.ts";

/**
 * Authenticates external services by name and secret, sent as Basic credentials (RFC 7617, RFC 6749 section 2.3.1).
 * Throws 401 for wrong ones.
 */
export function createServiceSecrets(secrets: Readonly<Record<string, string>>): (header: string) => ServiceCaller {
  const digests = new Map(Object.entries(secrets).map(([name, secret]) => [name, secretDigest(secret)]));
  const unknown = secretDigest("");
  return (header) => {
    const text = Buffer.from(header.slice(6).trim(), "base64").toString();
    const colon = text.indexOf(":");
    const name = text.slice(0, Math.max(0, colon));
    // Compares for an unknown name too, so that the time does not reveal which names exist.
    const isRight = timingSafeEqual(digests.get(name) ?? unknown, secretDigest(text.slice(colon + 1)));
    if (!isRight || !digests.has(name))
      throw new AppError("token_invalid", { message: "The service credentials are invalid." });
    return { kind: "service", name };
  };
}

/** Secrets are compared by their digest, because timingSafeEqual needs equal lengths. */
export function secretDigest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
