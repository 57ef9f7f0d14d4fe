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
};

const commonHeaders = {
  "X-Correlation-ID": z.string(),
  RateLimit: z
    .string()
    .meta({ description: "IETF draft-ietf-httpapi-ratelimit-headers", example: '"default";r=599;t=60' })
    .optional(),
  "RateLimit-Policy": z.string().meta({ example: '"default";q=600;w=60' }).optional(),
};
const Replayed = z
  .literal("true")
  .optional()
  .describe("This is the stored response to an earlier request with the same key.");

export function responseHeaders(route: ApiRoute): z.ZodObject {
  const isIdempotent = route.kind === "json" && route.idempotentAction !== undefined;
  return z.object({ ...commonHeaders, ...(isIdempotent && { "Idempotency-Replayed": Replayed }) });
}

const retryAfter = z.object({ "Retry-After": z.string().describe("Seconds") });
const challenge = z.object({ "WWW-Authenticate": z.string() });

function problem(id: string, description: string, headers?: z.ZodObject): ZodOpenApiResponseObject {
  return { id, description, content: { "application/problem+json": { schema: Problem } }, ...(headers && { headers }) };
}

// biome-ignore format: one status per row
const problems = {
  400: problem("BadRequest", "Malformed JSON, URL, header or mailed token (`invalid_json`, `bad_request`, `token_invalid`)."),
  401: problem("Unauthorized", "Not signed in, or the session has ended. After `token_stale` and `token_expired`, refresh the token and retry.", challenge),
  402: problem("PaymentRequired", "Requires a premium subscription."),
  403: problem("Forbidden", "Not allowed."),
  404: problem("NotFound", "The requested resource was not found."),
  408: problem("RequestTimeout", "The request did not arrive in time."),
  409: problem("Conflict", "Conflicts with the current state."),
  410: problem("Gone", "The account has been erased."),
  413: problem("PayloadTooLarge", "The request body is too large."),
  415: problem("UnsupportedMediaType", "The request body is not JSON in UTF-8."),
  422: problem("Unprocessable", "Missing, unknown or invalid fields, or an idempotency key that was used with a different body."),
  429: problem("TooManyRequests", "Too many requests or attempts.", retryAfter),
  500: problem("InternalError", "Something went wrong on our side."),
  503: problem("Unavailable", "Temporarily unavailable.", retryAfter),
} as const;

export type ErrorStatus = keyof typeof problems;

export function problemResponses(statuses: readonly ErrorStatus[]) {
  return Object.fromEntries(statuses.map((status) => [String(status), problems[status]]));
}

/** The fields of an object schema; none for another schema. */
export function shapeOf(schema: z.ZodType): Record<string, z.ZodType> {
  return schema instanceof z.ZodObject ? (schema.shape as Record<string, z.ZodType>) : {};
}

export function withoutFields(schema: z.ZodObject, names: readonly string[]): z.ZodObject {
  if (!names.some((name) => name in schema.shape)) return schema;
  return z.strictObject(Object.fromEntries(Object.entries(schema.shape).filter(([name]) => !names.includes(name))));
}
