import type { IncomingMessage } from "node:http";
import { successResponse } from "../api/success.ts";
import type { HttpResponse } from "../http/response.ts";
import type { ApiRoute } from "../routes.ts";

/** A browser's way through a provider and back. A cookie says that it is the same one that began. */
export interface OAuthStateCookie {
  /** The parameter for the action; nothing of the query or the body stands in for it. */
  paramsOf(request: IncomingMessage): { readonly browser?: string };
  answer(route: ApiRoute, result: unknown, params: Readonly<Record<string, unknown>>): HttpResponse;
}

const LIFE_SECONDS = 600;

/** Lax: the way back from the provider is a navigation from another site. `__Host-`: no subdomain can set it (V3.3.1). */
export function createOAuthStateCookie(publicUrl: string): OAuthStateCookie {
  const secure = publicUrl.startsWith("https:");
  const name = secure ? "__Host-usermesh_oauth" : "usermesh_oauth";
  const attributes = `Max-Age=${LIFE_SECONDS}; Path=/; HttpOnly; SameSite=Lax${secure ? "; Secure" : ""}`;
  return {
    paramsOf(request) {
      const browser = cookieOf(request, name);
      return browser === undefined ? {} : { browser };
    },
    answer(route, result, params) {
      const { location, browser, ...rest } = result as { location?: string | null; browser?: string };
      const headers = browser === undefined ? [] : ["Set-Cookie", `${name}=${browser}; ${attributes}`];
      if (!location) return { ...successResponse(route, rest, params), headers };
      headers.push("Location", location);
      return { status: 302, contentType: "text/plain; charset=utf-8", body: "", headers };
    },
  };
}

function cookieOf({ headers }: IncomingMessage, name: string): string | undefined {
  const found = (headers.cookie ?? "").split(";").find((one) => one.trim().startsWith(`${name}=`));
  return found?.trim().slice(name.length + 1, name.length + 101);
}
