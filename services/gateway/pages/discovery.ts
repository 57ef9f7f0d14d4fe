import { AppError } from "../../../lib/actions/errors.ts";
import { version } from "../../../lib/config/version.ts";
import { successResponse } from "../api/respond.ts";
import type { PublishedKeys } from "../auth/published-keys.ts";
import type { Handler } from "../http/request-context.ts";
import { jsonResponse } from "../http/response.ts";
import { routes } from "../routes.ts";

const jwks = "/.well-known/jwks.json";
const links = { api: "/api/v1", docs: "/docs", openapi: "/openapi.json", health: "/health", jwks };
const home = successResponse(200, { message: "Usermesh is running.", data: { service: "usermesh", version, links } });

export const homePage: Handler = () => home;

/** The document is generated on first request: loading the generator would delay the start by 100 ms. */
export function openApiPage(publicUrl: string): Handler {
  let document: Promise<string> | undefined;
  return async () => {
    document ??= import("../openapi/openapi.ts").then((openapi) => openapi.openApiDocument(routes, publicUrl));
    return { ...jsonResponse(200, null), body: await document, cacheControl: "public, max-age=60" };
  };
}

/** The public signing keys (RFC 7517). They are in memory, so this works while auth is unavailable. */
export function jwksPage(keys: PublishedKeys): Handler {
  return () => {
    if (!keys.latest) throw new AppError("service_unavailable", { retry_after: 1 });
    return jsonResponse(200, keys.latest, { cacheControl: "public, max-age=60" });
  };
}
