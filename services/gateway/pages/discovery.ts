import { createHash } from "node:crypto";
import { AppError } from "../../../lib/actions/errors.ts";
import { version } from "../../../lib/config/version.ts";
import { successResponse } from "../api/respond.ts";
import type { PublishedKeys } from "../auth/published-keys.ts";
import { compress, encodedFor } from "../http/compression.ts";
import type { Handler } from "../http/request-context.ts";
import { jsonResponse, TEXT_TYPE } from "../http/response.ts";
import { routes } from "../routes.ts";

/** The claims of an access token: see docs/integration.md. */
// biome-ignore format: a list
const claimNames = [
  "iss", "aud", "sub", "client_id", "iat", "exp", "jti", "auth_time", "amr", "sid", "tid", "roles", "permissions", "tier",
  "email", "email_verified", "name", "ver", "tver", "user_id", "role",
];

const jwks = "/.well-known/jwks.json";
const paths = { api: "/api/v1", docs: "/docs", openapi: "/openapi.json", health: "/health", jwks };

/** What programs get at `/`. The links have the path of PUBLIC_URL in front. */
export function homeJson(base: string): Handler {
  const links = Object.fromEntries(Object.entries(paths).map(([name, path]) => [name, base + path]));
  const home = successResponse(200, { message: "Usermesh is running.", data: { service: "usermesh", version, links } });
  const response = { ...home, headers: ["Vary", "Accept"] };
  return () => response;
}

/** Where password managers send people (https://w3c.github.io/webappsec-change-password-url). */
export function changePasswordPage(base: string): Handler {
  const headers = ["Location", `${base}/account/security`];
  return () => ({ status: 302, contentType: TEXT_TYPE, body: "", headers });
}

/** A document is generated on first request: loading the generator would delay the start by 100 ms. */
export function openApiPage(publicUrl: string, kind: "openapi" | "compatibility"): Handler {
  let built: ReturnType<typeof buildDocument> | undefined;
  return async ({ request }) => {
    built ??= buildDocument(publicUrl, kind);
    const { document, etag } = await built;
    const { body, headers } = encodedFor(document, request.headers["accept-encoding"]);
    const response = { ...jsonResponse(200, null), cacheControl: "public, max-age=60" };
    if (isNotModified(request.headers["if-none-match"], etag))
      return { ...response, status: 304, body: "", headers: ["Vary", "Accept-Encoding", "ETag", etag] };
    return { ...response, body, headers: [...headers, "ETag", etag] };
  };
}

async function buildDocument(publicUrl: string, kind: "openapi" | "compatibility") {
  const { openApiDocument } = await import("../openapi/openapi.ts");
  const isLegacy = kind === "compatibility";
  const text = openApiDocument(
    routes.filter(({ legacy }) => (legacy !== undefined) === isLegacy),
    publicUrl,
    isLegacy,
  );
  const hash = createHash("sha256").update(text).digest("base64url").slice(0, 22);
  // The tag is weak (RFC 9110 section 8.8.1), because the compressed forms share it.
  return { document: await compress(Buffer.from(text)), etag: `W/"${hash}"` };
}

/** RFC 9110 section 13.1.2. */
function isNotModified(header: string | undefined, etag: string): boolean {
  return header?.split(",").some((one) => one.trim() === "*" || one.trim() === etag) ?? false;
}

/**
 * The metadata that libraries read to verify our access tokens: RFC 8414, and OpenID Connect Discovery 1.0 for libraries that
 * know nothing else. Usermesh is not a provider for other applications: it has no authorization endpoint, no grants and no
 * ID tokens, so the lists are empty. Leaving them out would claim the defaults of RFC 8414.
 */
export function serverMetadataPage(publicUrl: string): Handler {
  const metadata = {
    issuer: publicUrl,
    jwks_uri: `${publicUrl}${jwks}`,
    introspection_endpoint: `${publicUrl}/api/v1/auth/introspect`,
    introspection_endpoint_auth_methods_supported: ["client_secret_basic"],
    response_types_supported: [],
    grant_types_supported: [],
    token_endpoint_auth_methods_supported: [],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: [],
    claims_supported: claimNames,
    service_documentation: `${publicUrl}${paths.docs}`,
  };
  const response = jsonResponse(200, metadata, { cacheControl: "public, max-age=3600" });
  return () => response;
}

/** The public signing keys (RFC 7517). They are in memory, so this works while auth is unavailable. */
export function jwksPage(keys: PublishedKeys): Handler {
  return () => {
    if (!keys.latest) throw new AppError("service_unavailable", { retry_after: 1 });
    return jsonResponse(200, keys.latest, { cacheControl: "public, max-age=60" });
  };
}
