import { createHash } from "node:crypto";
import type { Platform } from "../../../lib/runtime/platform.ts";

/** Does somebody's list of stolen passwords hold this one? */
export interface BreachedPasswords {
  /** Never rejects: with the list away the answer is no, and the log says so. */
  includes(password: string): Promise<boolean>;
}

const TIMEOUT_MS = 1_500;
/** A range holds some 1,000 lines of 40 characters, padding included. */
const MAX_RANGE = 1_000_000;

/**
 * Asks a range service in the way of Have I Been Pwned: it is told the first 20 bits of the password's SHA-1 and nothing
 * else, and answers with all that begin so. A sign-up does not fail because somebody else's server does (ASVS 5.0 V16.5.2).
 */
export function createBreachedPasswords({ config, log }: Pick<Platform, "config" | "log">): BreachedPasswords {
  const { pwnedPasswordsUrl: url } = config.auth;
  if (url === undefined) return { includes: async () => false };
  return {
    async includes(password) {
      const hash = createHash("sha1").update(password).digest("hex").toUpperCase();
      try {
        return holds(await readRange(url, hash.slice(0, 5)), hash.slice(5));
      } catch (error) {
        log.warn({ reason: reasonOf(error) }, "breached password lookup failed, password accepted unchecked");
        return false;
      }
    },
  };
}

async function readRange(url: string, prefix: string): Promise<string> {
  const response = await fetch(`${url}/${prefix}`, {
    // Answers of one length, so that nobody on the line can tell by it which range was asked for.
    headers: { "add-padding": "true", "user-agent": "usermesh" },
    redirect: "error",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (!response.ok || !response.body) throw new Error(`HTTP ${response.status}`);
  const text: string[] = [];
  let length = 0;
  for await (const part of response.body.pipeThrough(new TextDecoderStream())) {
    length += part.length;
    if (length > MAX_RANGE) throw new Error("The range is too long");
    text.push(part);
  }
  return text.join("");
}

/** `<35 digits>:<count>` a line; a count of 0 is padding. */
function holds(range: string, suffix: string): boolean {
  return new RegExp(`^${suffix}:0*[1-9]`, "im").test(range);
}

/** Neither the address nor what was asked for. */
function reasonOf(error: unknown): string {
  const { name, message, cause } = error as Error & { readonly cause?: { readonly code?: string } };
  return cause?.code ?? (name === "TimeoutError" ? "timeout" : message);
}
