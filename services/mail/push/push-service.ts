import { AppError } from "../../../lib/actions/errors.ts";
import type { Config } from "../../../lib/config/config.ts";
import type { Tracing } from "../../../lib/observability/tracing.ts";

export interface OutgoingPush {
  readonly id: string;
  readonly push_token: string;
  readonly user: { readonly id: string; readonly name: string | null; readonly language: string | null };
  readonly title: string;
  readonly body: string;
  readonly data: Readonly<Record<string, string>>;
}

export type PushResult = "accepted" | "unknown_token" | "token_gone";

export interface PushService {
  /** Rejects with `push_unavailable`, `push_refused`, or `service_unavailable` if PUSH_URL is not set. */
  send(push: OutgoingPush, correlationId: string): Promise<PushResult>;
}

const TIMEOUT_MS = 5_000;

/**
 * Client of the service that delivers pushes to devices. Requests contain a token, a name and a text, so redirects are
 * not followed.
 */
export function createPushService({ url, secret }: Config["push"], tracing?: Tracing): PushService {
  return {
    async send(push, correlationId) {
      // PUSH_URL was set when the push was requested. This error pauses the queue until it is set again.
      if (url === undefined) throw new AppError("service_unavailable", { cause: new Error("PUSH_URL is not set") });
      const send = () => post({ url, secret, correlationId, traceparent: tracing?.current() }, push);
      return resultOf(await (tracing ? tracing.run({ name: "POST push", kind: "client" }, send) : send()));
    },
  };
}

interface Target {
  readonly url: string;
  readonly secret: string | undefined;
  readonly correlationId: string;
  readonly traceparent: string | undefined;
}

async function post({ url, secret, correlationId, traceparent }: Target, push: OutgoingPush): Promise<number> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "idempotency-key": push.id,
        "user-agent": "usermesh",
        "x-correlation-id": correlationId,
        ...(traceparent !== undefined && { traceparent }),
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

/**
 * The 4xx statuses that are caused by our credentials or by the service's load and not by this push, so that it is
 * retried.
 */
const retriedStatuses = new Set([401, 403, 407, 408, 425, 429]);

function resultOf(status: number): PushResult {
  if (status >= 200 && status < 300) return "accepted";
  if (status === 404) return "unknown_token";
  if (status === 410) return "token_gone";
  const isAboutPush = status >= 400 && status < 500 && !retriedStatuses.has(status);
  throw new AppError(isAboutPush ? "push_refused" : "push_unavailable", { cause: new Error(`HTTP ${status}`) });
}

/** Error messages of `fetch` may contain the URL, so only the error's code or name is kept. */
function reasonOf(error: unknown): string {
  const { name, cause } = error as Error & { readonly cause?: { readonly code?: string } };
  return cause?.code ?? name;
}
