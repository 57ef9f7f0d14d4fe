import * as z from "zod";
import type { ZodOpenApiOperationObject, ZodOpenApiResponsesObject } from "zod-openapi";
import * as field from "../../../lib/actions/schemas.ts";
import { definitionOf } from "../../../lib/actions/typed-call.ts";
import type { PageName, PageRoute } from "../routes.types.ts";
import { type ErrorStatus, Problem, problemResponses } from "./shared-components.ts";

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
  .meta({ id: "Health", description: "Callers who may not see the details receive only `status`." });
const Home = z.strictObject({
  success: z.literal(true),
  message: z.string(),
  data: z.strictObject({ service: z.string(), version: z.string(), links: z.record(z.string(), z.string()) }),
});
const Keys = z.strictObject({ keys: z.array(z.looseObject({ kid: z.string(), kty: z.string(), alg: z.string() })) });

interface PageDescription {
  readonly schema?: z.ZodType | undefined;
  /** Another media type that the page can return. */
  readonly alternative?: Readonly<Record<string, { readonly schema: z.ZodType }>>;
  readonly errors?: readonly ErrorStatus[];
  /** A 503 has the same body as a 200. */
  readonly reportsUnavailability?: true;
  /** The page, or the details on it, require OPERATOR_TOKEN. */
  readonly operatorOnly?: true;
  readonly params?: ZodOpenApiOperationObject["requestParams"];
}

const text = z.string();
const pathParam = (name: string) => ({ path: z.object({ [name]: z.string() }) });
const pages: Readonly<Partial<Record<PageName, PageDescription>>> = {
  home: { schema: Home },
  health: { schema: Health, reportsUnavailability: true, operatorOnly: true },
  live: { schema: Alive },
  ready: { schema: Alive, reportsUnavailability: true },
  metrics: { errors: [401], operatorOnly: true },
  databaseStatus: {
    schema: definitionOf("users.databaseStatus")?.result,
    errors: [401],
    reportsUnavailability: true,
    operatorOnly: true,
  },
  jwks: { schema: Keys, errors: [503] },
  devMail: { alternative: { "application/json": { schema: z.looseObject({}) } }, errors: [404] },
  verifyEmail: { params: { query: z.object({ token: field.OneTimeToken.optional() }) } },
  avatar: { errors: [404, 503], params: pathParam("image") },
  asset: { alternative: { "text/css": { schema: text } }, errors: [404], params: pathParam("file") },
};

export function pageOperation({ path, page, tag, summary, contentType }: PageRoute): ZodOpenApiOperationObject {
  const { schema, alternative, errors = [], reportsUnavailability, operatorOnly, params } = pages[page] ?? {};
  const content = {
    [contentType]: { schema: contentType === "application/json" ? (schema ?? z.looseObject({})) : text },
    ...alternative,
  };
  const unavailable = {
    description: "Unavailable; the body is the same as for 200, or a problem document.",
    headers: z.object({ "Retry-After": z.string() }),
    content: { ...content, "application/problem+json": { schema: Problem } },
  };
  const prefix = tag === "Compatibility" ? `as${path.replaceAll("/", "")}` : "";
  return {
    operationId: `${prefix}page${page[0]?.toUpperCase()}${page.slice(1)}`,
    tags: [tag],
    summary,
    security: operatorOnly ? [{}, { bearer: [] }] : [],
    ...(params && { requestParams: params }),
    responses: {
      "200": { description: summary, content },
      ...problemResponses(errors),
      ...(reportsUnavailability && { "503": unavailable }),
    } as ZodOpenApiResponsesObject,
  };
}
