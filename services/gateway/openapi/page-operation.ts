import * as z from "zod";
import type { ZodOpenApiOperationObject } from "zod-openapi";
import * as field from "../../../lib/actions/schemas.ts";
import { definitionOf } from "../../../lib/actions/typed-call.ts";
import type { PageName, PageRoute } from "../routes.types.ts";
import { Problem, problemResponses } from "./shared-components.ts";

const State = z.enum(["up", "down", "embedded"]);
const Alive = z.strictObject({ status: z.enum(["ok", "ready", "not_ready"]) });
const Health = z
  .strictObject({
    status: z.enum(["ok", "degraded"]),
    service: z.literal("usermesh").optional(),
    version: z.string().optional(),
    dependencies: z.strictObject({ database: State, redis: State, nats: State }).optional(),
    metrics: z
      .strictObject({
        active_users: z.int().nullable(),
        total_users: z.int().nullable(),
        oauth_providers: z.record(z.string(), z.int()),
      })
      .optional(),
  })
  .meta({ id: "Health", description: "Requests without access to details receive the status alone." });
const Home = z.strictObject({
  success: z.literal(true),
  message: z.string(),
  data: z.strictObject({ service: z.string(), version: z.string(), links: z.record(z.string(), z.string()) }),
});

/** Schemas of the JSON pages. */
const bodies: Partial<Record<PageName, z.ZodType>> = {
  home: Home,
  health: Health,
  live: Alive,
  ready: Alive,
  databaseStatus: definitionOf("users.databaseStatus")?.result as z.ZodType,
  jwks: z.strictObject({ keys: z.array(z.looseObject({ kid: z.string(), kty: z.string(), alg: z.string() })) }),
};

/** These have a full response as a 503 too. */
const statusPages: readonly PageName[] = ["health", "ready", "databaseStatus"];
const guardedPages: readonly PageName[] = ["health", "metrics", "databaseStatus"];

export function pageOperation(route: PageRoute): ZodOpenApiOperationObject {
  const content = responseContent(route);
  return {
    operationId: operationId(route),
    tags: [route.tag],
    summary: route.summary,
    security: guardedPages.includes(route.page) ? [{}, { bearer: [] }] : [],
    ...requestParams(route),
    responses: {
      "200": { description: route.summary, content },
      ...problemResponses(route),
      ...(statusPages.includes(route.page) && {
        "503": {
          description: "Unavailable; the body is the same as for 200, or a problem document.",
          headers: z.object({ "Retry-After": z.string() }),
          content: { ...content, "application/problem+json": { schema: Problem } },
        },
      }),
    },
  };
}

function operationId({ tag, path, page }: PageRoute): string {
  const prefix = tag === "Compatibility" ? `as${path.replaceAll("/", "")}` : "";
  return `${prefix}page${page[0]?.toUpperCase()}${page.slice(1)}`;
}

function requestParams({ path, page }: PageRoute): Pick<ZodOpenApiOperationObject, "requestParams"> {
  if (path.includes("{file}")) return { requestParams: { path: z.object({ file: z.string() }) } };
  if (path.includes("{image}")) return { requestParams: { path: z.object({ image: z.string() }) } };
  if (page === "verifyEmail") return { requestParams: { query: z.object({ token: field.OneTimeToken.optional() }) } };
  return {};
}

function responseContent({ page, contentType }: PageRoute): Record<string, { schema: z.ZodType }> {
  const text = z.string();
  if (page === "devMail") return { "text/html": { schema: text }, "application/json": { schema: z.looseObject({}) } };
  if (page === "asset") return { "text/javascript": { schema: text }, "text/css": { schema: text } };
  if (contentType !== "application/json") return { [contentType]: { schema: text } };
  return { [contentType]: { schema: bodies[page] ?? z.looseObject({}) } };
}
