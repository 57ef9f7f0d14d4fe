import { createHash, randomBytes } from "node:crypto";
import type { Answer, ApiClient } from "../clients/api-client.ts";
import type { Claims, MaliciousProvider } from "../fakes/malicious-provider.ts";

/** A client's PKCE verifier, and the query that starts a sign-in with its challenge. */
export function newPkce() {
  const verifier = randomBytes(32).toString("base64url");
  const challenge = createHash("sha256").update(verifier).digest("base64url");
  return { verifier, query: `code_challenge=${challenge}&code_challenge_method=S256` };
}

/** A sign-in or a link under way: where the browser was sent, and its cookie. */
export interface Begun {
  readonly provider: string;
  readonly authorizeUrl: string;
  readonly state: string;
  readonly cookie: string | undefined;
}

export async function begin(api: ApiClient, provider: string, query = "", cookie?: string): Promise<Begun> {
  const headers = cookie === undefined ? {} : { cookie };
  const answer = await api.request("GET", `auth/oauth/${provider}${query}`, { headers });
  if (answer.status !== 302) throw new Error(`No redirect: ${answer.status} ${JSON.stringify(answer.body)}`);
  return begun(provider, answer.headers.get("location") ?? "", answer);
}

export async function beginLink(api: ApiClient, provider: string, token: string, body: object = {}): Promise<Begun> {
  const answer = await api.post(`auth/identities/${provider}`, body, token);
  if (answer.status !== 200) throw new Error(`No link: ${answer.status} ${JSON.stringify(answer.body)}`);
  return begun(provider, answer.body.data.authorize_url, answer);
}

function begun(provider: string, authorizeUrl: string, answer: Answer): Begun {
  const state = new URL(authorizeUrl).searchParams.get("state") ?? "";
  return { provider, authorizeUrl, state, cookie: answer.headers.getSetCookie()[0]?.split(";")[0] };
}

/** The browser comes back from the provider with this query. */
export function comeBack(
  api: ApiClient,
  { provider, state, cookie }: Pick<Begun, "provider" | "state" | "cookie">,
  query: Readonly<Record<string, string>>,
): Promise<Answer> {
  const search = new URLSearchParams({ ...(state !== "" && { state }), ...query });
  const headers = cookie === undefined ? {} : { cookie };
  return api.request("GET", `auth/oauth/${provider}/callback?${search}`, { headers });
}

/** The whole way at once: the provider says `claims`. */
export async function signInBy(
  api: ApiClient,
  name: string,
  provider: MaliciousProvider,
  claims: Claims,
  query = "",
): Promise<Answer> {
  const way = await begin(api, name, query);
  return comeBack(api, way, { code: provider.issue(way.authorizeUrl, claims) });
}
