import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject } from "zod-openapi";
import { version } from "../../../lib/config/version.ts";
import type { Route } from "../routes.types.ts";
import { apiOperation } from "./api-operation.ts";
import { completeDocument } from "./complete-document.ts";
import { tagDescriptions } from "./descriptions.ts";
import { eventsOperation } from "./events-operation.ts";
import { pageOperation } from "./page-operation.ts";
import { startDocument } from "./shared-components.ts";

const DESCRIPTION = `User accounts, sign-in and everything around them.

**To try it out:** send the example of \`POST /api/v1/auth/register\`, then that of \`POST /api/v1/auth/login\`, press
*Authorize* and paste the \`access_token\` of the answer. When it has expired (401 \`token_expired\`), send the newest
\`refresh_token\` to \`POST /api/v1/auth/refresh\`.

**Answers** are \`{ success, message, data }\`, lists also have \`meta\`. **Problems** (RFC 9457) have a stable \`code\`;
each operation lists those that can happen. Every request may have \`X-Correlation-ID\`, and every answer has one.

Paths of earlier systems are in [a document of their own](openapi-compatibility.json).`;

const LEGACY_DESCRIPTION = `Paths of earlier systems, so that their clients move by changing the base URL. New clients use
the operations that each one names, in [the document of the API](openapi.json).`;

/** OpenAPI 3.1, generated from the table of routes and the schemas that validate requests. */
export function openApiDocument(routes: readonly Route[], publicUrl: string, isLegacy = false): string {
  startDocument();
  const used = new Set(routes.map(({ tag }) => tag));
  const tags = Object.entries(tagDescriptions).filter(([name]) => used.has(name as Route["tag"]));
  const document = createDocument({
    openapi: "3.1.0",
    info: {
      title: isLegacy ? "Usermesh: paths of earlier systems" : "Usermesh",
      version,
      description: isLegacy ? LEGACY_DESCRIPTION : DESCRIPTION,
      contact: { name: "The Usermesh maintainers" },
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: publicUrl }],
    tags: tags.map(([name, description]) => ({ name, description })),
    paths: createPaths(routes),
    components: { securitySchemes: createSecuritySchemes(publicUrl, isLegacy) },
  });
  return JSON.stringify(completeDocument(document));
}

function createSecuritySchemes(publicUrl: string, isLegacy: boolean) {
  return {
    bearer: {
      type: "http",
      scheme: "bearer",
      bearerFormat: "JWT",
      description: "The access token from a sign-in (RFC 6750, RFC 9068).",
    },
    cookie: {
      type: "apiKey",
      in: "cookie",
      name: publicUrl.startsWith("https:") ? "__Host-access_token" : "access_token",
      description:
        "Set by login or refresh with `use_cookies`. Unsafe methods then also need `X-CSRF-Token`, equal to the cookie `csrf_token`.",
    },
    ...(!isLegacy && {
      service: {
        type: "http",
        scheme: "basic",
        description: "Name and secret of another service (`SERVICE_CREDENTIALS`, `SERVICE_PERMISSIONS`).",
      } as const,
    }),
  } as const;
}

function createPaths(routes: readonly Route[]): ZodOpenApiPathsObject {
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {};
  for (const route of routes) {
    const operation = operationOf(route);
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation };
  }
  return paths;
}

function operationOf(route: Route): ZodOpenApiOperationObject {
  if (route.kind === "page") return pageOperation(route);
  return route.kind === "events" ? eventsOperation(route) : apiOperation(route);
}
