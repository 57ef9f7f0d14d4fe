import type { components } from "./schema.ts";

type Problem = components["schemas"]["Problem"];

/** A problem that the server has answered (RFC 9457). `code` says which one; a failed connection is `network_error`. */
export class UsermeshError extends Error {
  readonly status: number;
  readonly code: string;
  readonly errors: NonNullable<Problem["errors"]>;
  readonly correlationId: string | null;
  /** Seconds to wait before a retry, from `Retry-After`. */
  readonly retryAfter: number | null;

  constructor(status: number, problem: Partial<Problem>, retryAfter: number | null = null, cause?: unknown) {
    super(problem.detail ?? `The server answered ${status}.`, { cause });
    this.name = "UsermeshError";
    this.status = status;
    this.code = problem.code ?? "unknown";
    this.errors = problem.errors ?? [];
    this.correlationId = problem.correlation_id ?? null;
    this.retryAfter = retryAfter;
  }
}

export async function readProblem(response: Response): Promise<UsermeshError> {
  const problem = (await response.json().catch(() => ({}))) as Partial<Problem>;
  const seconds = Number(response.headers.get("retry-after"));
  return new UsermeshError(response.status, problem, seconds > 0 ? seconds : null);
}
