import { config, pathTo } from "./config.ts";
import { hasMessage, t } from "./messages.ts";

export interface FieldError {
  readonly field: string;
  readonly code: string;
  readonly message: string;
}

interface Problem {
  readonly code?: string;
  readonly detail?: string;
  readonly errors?: readonly FieldError[];
}

export interface ListMeta {
  readonly total: number | null;
  readonly limit: number;
  readonly has_next: boolean;
  readonly next_cursor: string | null;
}

/** A request that the API refused, or that did not reach it (`status` 0, code `offline`). */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly fields: readonly FieldError[];
  readonly retryAfter: number | null;
  constructor(status: number, problem: Problem, retryAfter: number | null = null) {
    super(problem.detail ?? "");
    this.name = "ApiError";
    this.status = status;
    this.code = problem.code ?? "internal_error";
    this.fields = problem.errors ?? [];
    this.retryAfter = retryAfter;
  }
}

/** The reader's text for an error: our message for its code, or else the API's, which is English. */
export function describeError(error: unknown): string {
  if (!(error instanceof ApiError)) return t("error.internal_error");
  const key = `error.${error.code}`;
  if (hasMessage(key)) return t(key, { seconds: error.retryAfter ?? 1 });
  return error.message || t("error.internal_error");
}

/** The reader's text for a refused field. */
export function describeFieldError({ code, message }: FieldError): string {
  const key = `field.${code}`;
  return hasMessage(key) ? t(key) : message;
}

export interface Reply<T> {
  readonly data: T;
  readonly meta: ListMeta | null;
  readonly status: number;
}

type Query = Readonly<Record<string, string | number | undefined>>;
interface RequestOptions {
  readonly query?: Query;
  readonly body?: unknown;
  readonly form?: FormData;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** The cookie has the first name on https, the second one on http. */
export function readCsrfToken(): string | undefined {
  return readCookie("__Host-csrf_token") ?? readCookie("csrf_token");
}

/** Cookie names do not contain characters that a regular expression would understand otherwise. */
function readCookie(name: string): string | undefined {
  return new RegExp(`(?:^|; )${name}=([^;]*)`).exec(document.cookie)?.[1];
}

/** Sends one request to the public API. The session is in HttpOnly cookies; `csrf_token` proves that a page of ours asks. */
export async function request<T>(method: string, path: string, options: RequestOptions = {}): Promise<Reply<T>> {
  const { query, body, form, headers, signal } = options;
  const csrf = readCsrfToken();
  const ask = () =>
    send(`${pathTo(`/api/v1/${path}`)}${queryString(query)}`, {
      method,
      headers: {
        Accept: "application/json",
        // Mails that the request causes are in the language of the page.
        "Accept-Language": config.language,
        ...(body !== undefined && { "Content-Type": "application/json" }),
        ...(csrf !== undefined && method !== "GET" && { "X-CSRF-Token": csrf }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(form && { body: form }),
      ...(signal && { signal }),
    });
  const response = await ask();
  // A read may be repeated. A service that restarts is back after a moment, and the reader need not know.
  if (method !== "GET" || response.status !== 503) return readReply<T>(response);
  await new Promise((resolve) => setTimeout(resolve, (readRetryAfter(response) ?? 1) * 1_000));
  return readReply<T>(await ask());
}

async function send(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { credentials: "same-origin", ...init });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, { code: "offline" });
  }
}

async function readReply<T>(response: Response): Promise<Reply<T>> {
  const parsed: { data?: T; meta?: ListMeta } & Problem = await response.json().catch(() => ({}));
  if (response.ok) return { data: parsed.data as T, meta: parsed.meta ?? null, status: response.status };
  throw new ApiError(response.status, parsed, readRetryAfter(response));
}

/** Seconds. */
function readRetryAfter(response: Response): number | null {
  return Number(response.headers.get("Retry-After")) || null;
}

function queryString(query: Query = {}): string {
  const sent = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    if (value !== undefined && value !== "") sent.set(name, String(value));
  return sent.size === 0 ? "" : `?${sent}`;
}
