import * as z from "zod";
import type { ZodOpenApiResponseObject } from "zod-openapi";
import type { ApiRoute } from "../routes.types.ts";

/** Schemas and responses that many operations share. Those with an `id` become components of the document. */
const FieldError = z.strictObject({ field: z.string(), code: z.string(), message: z.string() }).meta({
  id: "FieldError",
  description: "An invalid field. `field` is a dotted path.",
  example: { field: "email", code: "invalid_email", message: "must be an email address" },
});

export const Problem = z
  .strictObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string(),
    success: z.literal(false),
    message: z.string().meta({ description: "Same as `detail`." }),
    code: z.string().meta({ description: "Stable identifier of the error, for programs." }),
    errors: z.array(FieldError).optional(),
    correlation_id: z.string(),
  })
  .meta({
    id: "Problem",
    description: "RFC 9457",
    example: {
      type: "urn:usermesh:problem:not_found",
      title: "Not found",
      status: 404,
      detail: "The requested resource was not found.",
      instance: "/api/v1/users/me",
      success: false,
      message: "The requested resource was not found.",
      code: "not_found",
      correlation_id: "0198f7a2-6a3c-7cc1-a2f4-3b1c9d0e5f60",
    },
  });

const optional = (description: string) => z.string().optional().describe(description);

export const parameters = {
  correlationId: z
    .string()
    .regex(/^[A-Za-z0-9._:-]{1,128}$/)
    .optional()
    .describe("Included in the response and in every log line, event and mail. `X-Request-ID` is accepted as well."),
  tenant: optional("Slug of the tenant, for requests that are not signed in. Defaults to `default`."),
  actingTenant: optional(
    "Slug of another tenant to act in. Requires the permission `platform:act`, and is recorded in both tenants' logs.",
  ),
  csrfToken: optional("The value of the cookie `csrf_token`. Required for sessions in cookies."),
  idempotencyKey: z
    .string()
    .min(1)
    .max(255)
    .optional()
    .describe("A unique key that makes the request safe to repeat for 24 hours."),
  ifMatch: optional(
    "The `ETag` of the version that the change is based on. If the resource has changed since, the response is 412.",
  ).meta({ example: '"2026-11-20T12:00:00.000Z"' }),
};

const commonHeaders = {
  "X-Correlation-ID": z.string().describe("Id of the request in logs, events and mails."),
  RateLimit: z.string().optional().meta({
    description: "What is left of the limit (IETF draft-ietf-httpapi-ratelimit-headers).",
    example: '"default";r=599;t=60',
  }),
  "RateLimit-Policy": z
    .string()
    .optional()
    .meta({ description: "The limit and its window in seconds.", example: '"default";q=600;w=60' }),
};
const entityTag = z.string().meta({
  description: "Version of the resource for `If-Match`: its `updated_at` in quotes.",
  example: '"2026-11-20T12:00:00.000Z"',
});
const Replayed = z
  .literal("true")
  .optional()
  .describe("This is the stored response to an earlier request with the same key.");

export function responseHeaders(route: ApiRoute): z.ZodObject {
  const isIdempotent = route.kind === "json" && route.idempotentAction !== undefined;
  const isVersioned = route.kind === "json" && route.versioned === true;
  return z.object({
    ...commonHeaders,
    ...(isVersioned && { ETag: entityTag }),
    ...(isIdempotent && { "Idempotency-Replayed": Replayed }),
  });
}

const retryAfter = { "Retry-After": z.string().describe("Seconds to wait.") };
const challenge = {
  "WWW-Authenticate": z.string().describe("How to sign in (RFC 6750); `error_description` has the code."),
};

// biome-ignore format: one status per row
const problems: Readonly<Record<number, readonly [name: string, description: string]>> = {
  400: ["BadRequest", "Malformed JSON, URL, header, or a token that is not valid."],
  401: ["Unauthorized", "Not signed in, or the session has ended. After `token_stale` and `token_expired`, refresh the token and retry."],
  402: ["PaymentRequired", "Requires a premium subscription."],
  403: ["Forbidden", "Not allowed."],
  404: ["NotFound", "It does not exist."],
  408: ["RequestTimeout", "The request did not arrive in time."],
  409: ["Conflict", "Conflicts with the current state."],
  410: ["Gone", "The account has been erased."],
  412: ["PreconditionFailed", "The resource has changed since the version that `If-Match` names."],
  413: ["PayloadTooLarge", "The request body is too large."],
  415: ["UnsupportedMediaType", "The request body is not JSON in UTF-8."],
  422: ["Unprocessable", "Missing, unknown or invalid fields, or an idempotency key that was used with a different body."],
  429: ["TooManyRequests", "Too many requests or attempts."],
  500: ["InternalError", "Something went wrong on our side."],
  503: ["Unavailable", "Temporarily unavailable."],
};

/** A problem for each status, with the codes that it can have. */
export function problemResponses(codes: ReadonlyMap<number, readonly string[]>) {
  return Object.fromEntries(
    [...codes].map(([status, ofStatus]) => [String(status), problemResponse(status, ofStatus)]),
  );
}

/** Operations with the same codes share a component. */
const responses = new Map<string, ZodOpenApiResponseObject>();

/** Numbers the components of each document from 1, whichever document is made first. */
export function startDocument(): void {
  responses.clear();
}

function problemResponse(status: number, codes: readonly string[]): ZodOpenApiResponseObject {
  const key = [status, ...codes.toSorted()].join(" ");
  const known = responses.get(key) ?? makeResponse(status, codes);
  responses.set(key, known);
  return known;
}

function makeResponse(status: number, codes: readonly string[]): ZodOpenApiResponseObject {
  const [name, description] = problems[status] ?? ["Problem", "A problem."];
  const ofStatus = [...responses.values()].filter(({ id }) => id?.replace(/\d+$/, "") === name).length;
  const withCode = z.looseObject({ code: z.enum(codes).meta({ description: "The kind of problem, for programs." }) });
  return {
    id: `${name}${ofStatus + 1}`,
    description,
    headers: z.object({
      ...commonHeaders,
      ...(status === 401 && challenge),
      ...((status === 429 || status === 503) && retryAfter),
    }),
    content: { "application/problem+json": { schema: z.intersection(Problem, withCode) } },
  };
}

/** The fields of an object schema; none for another schema. */
export function shapeOf(schema: z.ZodType): Record<string, z.ZodType> {
  return schema instanceof z.ZodObject ? (schema.shape as Record<string, z.ZodType>) : {};
}

export function withoutFields(schema: z.ZodObject, names: readonly string[]): z.ZodObject {
  if (!names.some((name) => name in schema.shape)) return schema;
  return z.strictObject(Object.fromEntries(Object.entries(schema.shape).filter(([name]) => !names.includes(name))));
}
