import type { Answer, ApiClient } from "./api-client.ts";

/** A browser's side of the cookies: keeps what is set, sends it along, and nothing else. */
export interface BrowserClient {
  readonly cookies: ReadonlyMap<string, string>;
  request(
    method: string,
    path: string,
    options?: { body?: unknown; headers?: Record<string, string> },
  ): Promise<Answer>;
  /** As a page of ours does it: with the CSRF token of its cookie. */
  own(method: string, path: string, body?: unknown): Promise<Answer>;
  readonly setCookies: readonly string[];
}

export function createBrowserClient(api: ApiClient): BrowserClient {
  const cookies = new Map<string, string>();
  let setCookies: readonly string[] = [];
  const request: BrowserClient["request"] = async (method, path, { body, headers = {} } = {}) => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const answer = await api.request(method, path, { body, headers: { ...(cookie !== "" && { cookie }), ...headers } });
    setCookies = answer.headers.getSetCookie();
    for (const line of setCookies) keep(cookies, line);
    return answer;
  };
  return {
    cookies,
    get setCookies() {
      return setCookies;
    },
    request,
    own: (method, path, body) =>
      request(method, path, {
        body,
        headers: {
          "x-csrf-token": cookies.get("__Host-csrf_token") ?? cookies.get("csrf_token") ?? "",
          origin: api.url,
        },
      }),
  };
}

function keep(cookies: Map<string, string>, line: string): void {
  const [pair = "", ...attributes] = line.split("; ");
  const at = pair.indexOf("=");
  if (attributes.includes("Max-Age=0")) cookies.delete(pair.slice(0, at));
  else cookies.set(pair.slice(0, at), pair.slice(at + 1));
}
