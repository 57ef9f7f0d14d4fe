import * as z from "zod";
import type { ZodOpenApiOperationObject } from "zod-openapi";
import * as field from "../../../lib/actions/schemas.ts";
import { definitionOf } from "../../../lib/actions/typed-call.ts";
import type { PageName, PageRoute } from "../routes.ts";
import { Problem, problemResponses } from "./openapi-parts.ts";

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
  .meta({ id: "Health", description: "Strangers are told the status alone." });
const Home = z.strictObject({
  success: z.literal(true),
  message: z.string(),
  data: z.strictObject({ service: z.string(), version: z.string(), links: z.record(z.string(), z.string()) }),
});

/** Bodies of the JSON pages. What the databases tell is a result of the bus, and known to be one. */
const bodies: Partial<Record<PageName, z.ZodType>> = {
  home: Home,
  health: Health,
  live: Alive,
  ready: Alive,
  databaseStatus: definitionOf("users.databaseStatus")?.result as z.ZodType,
  jwks: z.strictObject({ keys: z.array(z.looseObject({ kid: z.string(), kty: z.string(), alg: z.string() })) }),
};

/** These answer in full also while they say no. */
const tellingNo: readonly PageName[] = ["health", "ready", "databaseStatus"];
const guarded: readonly PageName[] = ["health", "metrics", "databaseStatus"];

export function pageOperation(route: PageRoute): ZodOpenApiOperationObject {
  const content = contentOf(route);
  return {
    operationId: operationId(route),
    tags: [route.tag],
    summary: route.summary,
    security: guarded.includes(route.page) ? [{}, { bearer: [] }] : [],
    ...requestParams(route),
    responses: {
      "200": { description: route.summary, content },
      ...problemResponses(route),
      ...(tellingNo.includes(route.page) && {
        "503": {
          description: "The same, of what is away; or a problem.",
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

function contentOf({ page, type }: PageRoute): Record<string, { schema: z.ZodType }> {
  const text = z.string();
  if (page === "devMail") return { "text/html": { schema: text }, "application/json": { schema: z.looseObject({}) } };
  if (page === "asset") return { "text/javascript": { schema: text }, "text/css": { schema: text } };
  if (type !== "application/json") return { [type]: { schema: text } };
  return { [type]: { schema: bodies[page] ?? z.looseObject({}) } };
}
