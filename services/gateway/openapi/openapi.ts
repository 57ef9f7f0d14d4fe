import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject } from "zod-openapi";
import { version } from "../../../lib/config/version.ts";
import type { Route } from "../routes.types.ts";
import { apiOperation } from "./api-operation.ts";
import { eventsOperation } from "./events-operation.ts";
import { pageOperation } from "./page-operation.ts";

/** OpenAPI 3.1, generated from the table of routes and the schemas that validate requests. */
export function openApiDocument(routes: readonly Route[], publicUrl: string): string {
  const document = createDocument({
    openapi: "3.1.0",
    info: {
      title: "Usermesh",
      version,
      description: "User accounts, sign-in and everything around them.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: publicUrl }],
    tags: ["Auth", "Users", "Admin", "System", "Compatibility"].map((name) => ({ name })),
    paths: createPaths(routes),
    components: { securitySchemes: createSecuritySchemes(publicUrl) },
  });
  return JSON.stringify(document);
}

function createSecuritySchemes(publicUrl: string) {
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
    service: {
      type: "http",
      scheme: "basic",
      description: "Name and secret of another service (`SERVICE_CREDENTIALS`, `SERVICE_PERMISSIONS`).",
    },
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
