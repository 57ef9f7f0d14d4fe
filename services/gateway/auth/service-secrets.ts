import { createHash, timingSafeEqual } from "node:crypto";
import type { ServiceCaller } from "../../../lib/actions/caller.ts";
import { AppError } from "../../../lib/actions/errors.ts";

/** Who a foreign service is that asks over HTTP: its name and secret by Basic authentication (RFC 7617, RFC 6749 2.3.1). */
export function createServiceSecrets(secrets: Readonly<Record<string, string>>): (header: string) => ServiceCaller {
  const digests = new Map(Object.entries(secrets).map(([name, secret]) => [name, digest(secret)]));
  const nobody = digest("");
  return (header) => {
    const text = Buffer.from(header.slice(6).trim(), "base64").toString();
    const colon = text.indexOf(":");
    const name = text.slice(0, Math.max(0, colon));
    const isRight = timingSafeEqual(digests.get(name) ?? nobody, digest(text.slice(colon + 1)));
    if (!isRight || !digests.has(name))
      throw new AppError("token_invalid", { message: "The service credentials are invalid." });
    return { kind: "service", name };
  };
}

/** Of one length, whatever was sent. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
