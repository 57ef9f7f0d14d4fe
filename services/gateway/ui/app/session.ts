import { ApiError, type Reply, readCsrfToken, request } from "./api-client.ts";
import { config, pathTo } from "./config.ts";

/** The access token is in an HttpOnly cookie: only its time of expiry can be remembered. */
const EXPIRY_KEY = `usermesh.expires${config.base}`;
const EXPIRY_MARGIN_MS = 10_000;

interface SignedIn {
  readonly expires_in: number;
}

/** To be called with the response of a sign-in or refresh. */
export function rememberExpiry({ expires_in }: SignedIn): void {
  store(EXPIRY_KEY, String(Date.now() + expires_in * 1_000));
}

/** A session whose end nobody has told yet. The CSRF cookie lives as long as the refresh token. */
export function mayBeSignedIn(): boolean {
  return readCsrfToken() !== undefined;
}

let refreshing: Promise<void> | null = null;

/** One refresh for all requests that wait for it. Rejects with 401 if the session has ended. */
export function refreshSession(): Promise<void> {
  refreshing ??= request<SignedIn>("POST", "auth/refresh", { body: { use_cookies: true } })
    .then(({ data }) => rememberExpiry(data))
    .finally(() => {
      refreshing = null;
    });
  return refreshing;
}

type Options = Parameters<typeof request>[2];

/**
 * Sends a request as the signed-in user. The access token is refreshed before it expires, and when the API asks for it.
 * Without a session the browser goes to the sign-in page, and comes back after it.
 */
export async function asUser<T>(method: string, path: string, options?: Options): Promise<Reply<T>> {
  if (!mayBeSignedIn()) return leave();
  try {
    if (isExpired()) await refreshSession();
    return await request<T>(method, path, options);
  } catch (error) {
    if (!isUnauthenticated(error)) throw error;
    if (!REFRESHABLE.includes(error.code)) return leave(error);
  }
  try {
    await refreshSession();
    return await request<T>(method, path, options);
  } catch (error) {
    return isUnauthenticated(error) ? leave(error) : Promise.reject(error);
  }
}

type Headers = Readonly<Record<string, string>>;

/** The version of a resource that a change is based on. If it has changed since, the change is refused with 412. */
export interface Version {
  readonly updated_at: string;
}

function ifMatch(version: Version | undefined): Headers {
  return version === undefined ? {} : { "If-Match": `"${version.updated_at}"` };
}

/** The API as the signed-in user; `headers` are sent with each request. */
export function createApi(headers: () => Headers = () => ({})) {
  const send = <T>(method: string, path: string, options: Options = {}, version?: Version) =>
    asUser<T>(method, path, { ...options, headers: { ...headers(), ...ifMatch(version) } });
  return {
    get: <T>(path: string, query?: Record<string, string | number | undefined>, signal?: AbortSignal) =>
      send<T>("GET", path, { ...(query && { query }), ...(signal && { signal }) }),
    post: <T>(path: string, body: unknown = {}) => send<T>("POST", path, { body }),
    put: <T>(path: string, body: unknown) => send<T>("PUT", path, { body }),
    patch: <T>(path: string, body: unknown, version?: Version) => send<T>("PATCH", path, { body }, version),
    delete: <T>(path: string, body?: unknown) => send<T>("DELETE", path, body === undefined ? {} : { body }),
    upload: <T>(path: string, form: FormData, version?: Version) => send<T>("POST", path, { form }, version),
  };
}

export const api = createApi();

/** 401s that a new access token cures. */
const REFRESHABLE: readonly string[] = ["token_missing", "token_expired", "token_stale"];

function isUnauthenticated(error: unknown): error is ApiError {
  return (
    error instanceof ApiError &&
    error.status === 401 &&
    error.code !== "invalid_credentials" &&
    error.code !== "step_up_required"
  );
}

function isExpired(): boolean {
  return Number(read(EXPIRY_KEY) ?? 0) < Date.now() + EXPIRY_MARGIN_MS;
}

/** Never resolves, because the page is about to be left. */
function leave(error?: ApiError): Promise<never> {
  store(EXPIRY_KEY, "0");
  goToSignIn(error && error.code !== "token_missing" ? "session_ended" : undefined);
  return new Promise(() => undefined);
}

export function goToSignIn(reason?: string): void {
  const query = new URLSearchParams({ return_to: location.pathname + location.search });
  if (reason !== undefined) query.set("reason", reason);
  location.replace(`${pathTo("/login")}?${query}`);
}

let isEnding = false;

/** False while the reader ends the session here: the news of its end may arrive before the answer to the request. */
export const mayEndUnexpectedly = (): boolean => !isEnding;

/** For a request that ends the session, after which the page goes elsewhere. */
export async function endingSession<T>(request: () => Promise<T>): Promise<T> {
  isEnding = true;
  return request().catch((error) => {
    isEnding = false;
    throw error;
  });
}

/** Ends the session on the server, and goes to the sign-in page whatever the answer was. */
export async function signOut(): Promise<void> {
  isEnding = true;
  await request("POST", "auth/logout", { body: {} }).catch(() => undefined);
  store(EXPIRY_KEY, "0");
  location.assign(`${pathTo("/login")}?reason=signed_out`);
}

/** Storage may be forbidden: each page then refreshes the token once. */
function store(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    memory.set(key, value);
  }
}

function read(key: string): string | null {
  try {
    return memory.get(key) ?? localStorage.getItem(key);
  } catch {
    return memory.get(key) ?? null;
  }
}

const memory = new Map<string, string>();
