import { createHash } from "node:crypto";
import type { Platform } from "../../../lib/runtime/platform.ts";

export interface BreachedPasswords {
  /** Whether the password is known from a data breach. Never rejects: false, with a warning, if the service fails. */
  includes(password: string): Promise<boolean>;
}

const TIMEOUT_MS = 1_500;
/** In characters. A response has about 40,000 including padding; the limit stops a faulty service from filling the memory. */
const MAX_RANGE_LENGTH = 1_000_000;

/**
 * Looks passwords up with the range API of Have I Been Pwned (k-anonymity): the service learns only the first 20 bits of
 * the password's SHA-1, and returns the rest of every breached hash that starts with them. A failing third party must not
 * block sign-ups (ASVS 5.0 V16.5.2).
 */
export function createBreachedPasswords({ config, log }: Pick<Platform, "config" | "log">): BreachedPasswords {
  const { pwnedPasswordsUrl: url } = config.auth;
  if (url === undefined) return { includes: async () => false };
  return {
    async includes(password) {
      const hash = createHash("sha1").update(password).digest("hex").toUpperCase();
      try {
        return rangeIncludes(await readRange(url, hash.slice(0, 5)), hash.slice(5));
      } catch (error) {
        log.warn({ reason: reasonOf(error) }, "breached password lookup failed, password accepted unchecked");
        return false;
      }
    },
  };
}

async function readRange(url: string, prefix: string): Promise<string> {
  const response = await fetch(`${url}/${prefix}`, {
    // Padding makes all responses about equally long, so that their length does not reveal the range.
    headers: { "add-padding": "true", "user-agent": "usermesh" },
    redirect: "error",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (!response.ok || !response.body) throw new Error(`HTTP ${response.status}`);
  const chunks: string[] = [];
  let length = 0;
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    length += chunk.length;
    if (length > MAX_RANGE_LENGTH) throw new Error("The range is too long");
    chunks.push(chunk);
  }
  return chunks.join("");
}

/** Lines are `<35 hex digits>:<count>`; a count of 0 is padding. */
function rangeIncludes(range: string, suffix: string): boolean {
  return new RegExp(`^${suffix}:0*[1-9]`, "im").test(range);
}

/** For the log. Contains neither the URL nor the prefix that was looked up, which is a part of the password's hash. */
function reasonOf(error: unknown): string {
  const { name, message, cause } = error as Error & { readonly cause?: { readonly code?: string } };
  return cause?.code ?? (name === "TimeoutError" ? "timeout" : message);
}
