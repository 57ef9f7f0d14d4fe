import { readProblem, UsermeshError } from "./error.ts";
import { readEvents } from "./events.ts";
import { withLock } from "./lock.ts";
import type { BodyOf, DataOf, MetaOf, Method, PathOf, QueryOf } from "./operations.ts";
import { memoryStorage, type SessionStorage, type StoredSession } from "./storage.ts";

export interface UsermeshOptions {
  /** `PUBLIC_URL` of Usermesh. */
  readonly url: string;
  /** `cookies`: the browser keeps the tokens, out of reach of scripts. Default: `tokens`. */
  readonly transport?: "tokens" | "cookies";
  /** Default: memory. `browserStorage()` is shared by all tabs. */
  readonly storage?: SessionStorage;
  /** Slug of the tenant of requests that are not signed in. */
  readonly tenant?: string;
  readonly fetch?: typeof fetch;
  /** The session has ended: show the sign-in page. `code` says why. */
  readonly onSignedOut?: (code: string) => void;
}

export interface RequestOptions<M extends Method, P extends PathOf<M>> {
  /** Values for the `{names}` in the path. */
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Partial<QueryOf<M, P>>;
  readonly body?: BodyOf<M, P>;
  /** Makes a change safe to repeat. Default: a new one for each call, which its own retries share. */
  readonly idempotencyKey?: string;
  readonly signal?: AbortSignal;
}

export interface Answer<M extends Method, P extends PathOf<M>> {
  readonly status: number;
  readonly data: DataOf<M, P>;
  /** Pagination, for lists. */
  readonly meta: MetaOf<M, P>;
}

/** The options of any operation. */
interface Sent {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
  readonly idempotencyKey?: string;
  readonly signal?: AbortSignal;
}

type SignIn = BodyOf<"post", "/api/v1/auth/login">;
type User = DataOf<"get", "/api/v1/users/me">;

export type Usermesh = ReturnType<typeof createClient>;

const REFRESHABLE: ReadonlySet<string> = new Set(["token_expired", "token_stale"]);
/** Codes after which neither a refresh nor a retry helps. */
const ENDED: ReadonlySet<string> = new Set(["session_ended", "token_invalid", "token_reused", "token_missing"]);
const RETRYABLE: ReadonlySet<string> = new Set([
  "network_error",
  "request_in_progress",
  "service_unavailable",
  "overloaded",
]);
const MAX_ATTEMPTS = 4;
const LOGIN = "/api/v1/auth/login";
const REFRESH = "/api/v1/auth/refresh";
/** Operations that are safe to repeat without an idempotency key, and that store no answer under one. */
const WITHOUT_KEY: ReadonlySet<string> = new Set([LOGIN, REFRESH]);

/**
 * A client of one person's session. It refreshes an expired or stale access token once for all waiting requests and tabs,
 * and repeats requests that failed in transit, with one `Idempotency-Key` for all attempts.
 */
export function createClient(options: UsermeshOptions) {
  const { url, transport = "tokens", storage = memoryStorage(), tenant } = options;
  const send = options.fetch ?? fetch;
  const useCookies = transport === "cookies";

  const keep = (session: StoredSession | null): void => storage.write(session);
  const forget = (code: string): void => {
    if (storage.read() === null && !useCookies) return;
    keep(null);
    options.onSignedOut?.(code);
  };

  const headersFor = (method: Method, path: string, sent: Sent): Record<string, string> => {
    const session = storage.read();
    const csrfToken = session?.csrfToken ?? csrfCookie();
    return {
      accept: "application/json",
      ...(sent.body !== undefined && { "content-type": "application/json" }),
      ...(!useCookies &&
        session?.accessToken &&
        path !== REFRESH && { authorization: `Bearer ${session.accessToken}` }),
      ...(useCookies && method !== "get" && csrfToken && { "x-csrf-token": csrfToken }),
      ...(tenant !== undefined && session === null && { "x-tenant": tenant }),
      ...(sent.idempotencyKey !== undefined && { "idempotency-key": sent.idempotencyKey }),
    };
  };

  const fetchOnce = async (method: Method, path: string, sent: Sent): Promise<Response> => {
    const init: RequestInit = {
      method: method.toUpperCase(),
      headers: headersFor(method, path, sent),
      credentials: useCookies ? "include" : "omit",
      ...(sent.body !== undefined && { body: JSON.stringify(sent.body) }),
      ...(sent.signal && { signal: sent.signal }),
    };
    const response = await send(url + fillPath(path, sent), init).catch((cause: unknown) => {
      sent.signal?.throwIfAborted();
      throw new UsermeshError(0, { code: "network_error", detail: "The server cannot be reached." }, null, cause);
    });
    if (!response.ok) throw await readProblem(response);
    return response;
  };

  const fetchWithRetries = async (method: Method, path: string, sent: Sent): Promise<Response> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await fetchOnce(method, path, sent);
      } catch (error) {
        const isRetryable = error instanceof UsermeshError && RETRYABLE.has(error.code);
        if (!isRetryable || attempt === MAX_ATTEMPTS) throw error;
        await delay((error.retryAfter ?? 0) * 1_000 || 200 * 2 ** attempt * (0.5 + Math.random()), sent.signal);
      }
    }
  };

  /** `seen` is the version that was refused: if it is no longer the current one, another request or tab has refreshed. */
  const refresh = (seen: string | undefined): Promise<void> =>
    withLock(`usermesh ${url}`, async (hasWaited) => {
      if (hasWaited) await storageChanges(storage, seen);
      const current = storage.read();
      if (current?.version !== seen) return;
      if (!useCookies && !current?.refreshToken) throw new UsermeshError(401, { code: "token_missing" });
      const body = useCookies ? {} : { refresh_token: String(current?.refreshToken) };
      const response = await fetchWithRetries("post", REFRESH, { body });
      keep(toSession((await response.json()).data));
    });

  const fetchSignedIn = async (method: Method, path: string, sent: Sent): Promise<Response> => {
    const seen = storage.read()?.version;
    try {
      return await fetchWithRetries(method, path, sent);
    } catch (error) {
      if (!(error instanceof UsermeshError) || !REFRESHABLE.has(error.code) || path === REFRESH) throw error;
      await refresh(seen);
      return fetchWithRetries(method, path, sent);
    }
  };

  const call = async <M extends Method, P extends PathOf<M>>(
    method: M,
    path: P,
    given: RequestOptions<M, P> = {},
  ): Promise<Answer<M, P>> => {
    const idempotencyKey = given.idempotencyKey ?? (needsKey(method, path) ? crypto.randomUUID() : undefined);
    const sent = { ...given, ...(idempotencyKey !== undefined && { idempotencyKey }) } as Sent;
    try {
      const response = await fetchSignedIn(method, path, sent);
      const body = await response.json();
      return { status: response.status, data: "data" in body ? body.data : body, meta: body.meta };
    } catch (error) {
      if (error instanceof UsermeshError && error.status === 401 && ENDED.has(error.code)) forget(error.code);
      throw error;
    }
  };
  const shortcut =
    <M extends Method>(method: M) =>
    async <P extends PathOf<M>>(path: P, given?: RequestOptions<M, P>): Promise<DataOf<M, P>> =>
      (await call(method, path, given)).data;

  return {
    /** The whole answer, for its `status` and `meta`. */
    request: call,
    get: shortcut("get"),
    post: shortcut("post"),
    put: shortcut("put"),
    patch: shortcut("patch"),
    delete: shortcut("delete"),
    async signIn(credentials: SignIn): Promise<User> {
      const data = await shortcut("post")(LOGIN, { body: { ...credentials, use_cookies: useCookies } });
      keep(toSession(data));
      return data.user as User;
    },
    async signOut(): Promise<void> {
      const refreshToken = storage.read()?.refreshToken;
      const body = useCookies || !refreshToken ? {} : { refresh_token: refreshToken };
      await call("post", "/api/v1/auth/logout", { body } as RequestOptions<"post", "/api/v1/auth/logout">).finally(() =>
        forget("signed_out"),
      );
    },
    /** Whether this client knows of a session. With cookies it may have ended: only a request shows that. */
    isSignedIn: (): boolean => storage.read() !== null || (useCookies && csrfCookie() !== undefined),
    /** The current access token, for requests to your own services. Null with cookies. */
    accessToken: (): string | null => storage.read()?.accessToken ?? null,
    /** Refreshes now, for example after one of your own services has refused the token. */
    refresh: (): Promise<void> => refresh(storage.read()?.version),
    /** Each event of the session until it ends (`session_ended`) or `signal` is aborted. Refreshes in between. */
    async *events(signal?: AbortSignal): AsyncGenerator<{ readonly code: string; readonly detail: string }> {
      for (;;) {
        const seen = storage.read()?.version;
        const sent = signal ? { signal } : {};
        const response = await fetchSignedIn("get", "/api/v1/users/me/events", sent);
        for await (const event of readEvents(response)) {
          yield event;
          if (REFRESHABLE.has(event.code)) await refresh(seen);
          else return forget(event.code);
        }
        await delay(1_000, signal);
      }
    },
  };
}

/**
 * Waits until this tab sees what the tab that held the lock before has written: browsers copy `localStorage` between
 * processes, which can take longer than the release of the lock. Gives up after half a second, because the other tab may have
 * failed.
 */
async function storageChanges(storage: SessionStorage, seen: string | undefined): Promise<void> {
  for (let waits = 0; waits < 25 && storage.read()?.version === seen; waits += 1) await delay(20);
}

function needsKey(method: Method, path: string): boolean {
  return method !== "get" && !WITHOUT_KEY.has(path);
}

function fillPath(path: string, { params = {}, query = {} }: Sent): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ""));
  const pairs = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
  return pairs.length === 0 ? filled : `${filled}?${new URLSearchParams(pairs)}`;
}

function toSession(data: object): StoredSession {
  const { access_token, refresh_token, csrf_token } = data as Readonly<Record<string, string | undefined>>;
  return {
    accessToken: access_token ?? null,
    refreshToken: refresh_token ?? null,
    csrfToken: csrf_token ?? null,
    version: crypto.randomUUID(),
  };
}

/** Reads the CSRF cookie of the same origin. Its name depends on whether the page is on https. */
function csrfCookie(): string | undefined {
  if (typeof document === "undefined") return undefined;
  return /(?:^|; )(?:__Host-)?csrf_token=([^;]*)/.exec(document.cookie)?.[1];
}

function delay(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
