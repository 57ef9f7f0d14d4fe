import { AppError } from "../../lib/actions/errors.ts";
import type { Config } from "../../lib/config/config.ts";

export interface OutgoingPush {
  readonly id: string;
  readonly push_token: string;
  readonly user: { readonly id: string; readonly name: string | null; readonly language: string | null };
  readonly title: string;
  readonly body: string;
  readonly data: Readonly<Record<string, string>>;
}

export interface PushService {
  /** Resolves with what the service made of it. Rejects with `push_unavailable` or `push_refused`. */
  send(push: OutgoingPush): Promise<"taken" | "unknown_token" | "token_gone">;
}

const TIMEOUT_MS = 5_000;

/** Whoever talks to the platforms of the devices. It is told a token, a name and a text, so no redirect is followed. */
export function createPushService({ url, secret }: Config["push"]): PushService {
  return {
    async send(push) {
      // Set when the push was asked for, and no longer: it waits until it is set again.
      if (url === undefined) throw new AppError("service_unavailable", { cause: new Error("PUSH_URL is not set") });
      return verdict(await post(url, secret, push));
    },
  };
}

async function post(url: string, secret: string | undefined, push: OutgoingPush): Promise<number> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "idempotency-key": push.id,
        "user-agent": "usermesh",
        ...(secret !== undefined && { authorization: `Bearer ${secret}` }),
      },
      body: JSON.stringify(push),
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    await response.body?.cancel();
    return response.status;
  } catch (error) {
    throw new AppError("push_unavailable", { cause: new Error(reasonOf(error)) });
  }
}

/** Of 4xx these speak of us or of the moment, and not of this push: it is tried again. */
const notOfThisPush = new Set([401, 403, 407, 408, 425, 429]);

function verdict(status: number): "taken" | "unknown_token" | "token_gone" {
  if (status >= 200 && status < 300) return "taken";
  if (status === 404) return "unknown_token";
  if (status === 410) return "token_gone";
  const isAboutThis = status >= 400 && status < 500 && !notOfThisPush.has(status);
  throw new AppError(isAboutThis ? "push_refused" : "push_unavailable", { cause: new Error(`HTTP ${status}`) });
}

/** Neither the address nor what was sent. */
function reasonOf(error: unknown): string {
  const { name, cause } = error as Error & { readonly cause?: { readonly code?: string } };
  return cause?.code ?? name;
}
