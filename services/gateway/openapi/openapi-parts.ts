import * as z from "zod";
import type { ZodOpenApiResponseObject, ZodOpenApiResponsesObject } from "zod-openapi";
import type { ApiRoute, Route } from "../routes.ts";

/** What many operations share. Each has its `id`, and stands once among the components. */
const FieldError = z.strictObject({ field: z.string(), code: z.string(), message: z.string() }).meta({
  id: "FieldError",
  description: "One field that did not validate; `field` is a dotted path.",
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
    message: z.string().meta({ description: "The same as `detail`." }),
    code: z.string().meta({ description: "Stable, for programs." }),
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

export const parameters = {
  correlationId: z
    .string()
    .regex(/^[A-Za-z0-9._:-]{1,128}$/)
    .optional()
    .meta({
      description: "Comes back, and stands in every log line, event and mail of this request. `X-Request-ID` does too.",
    }),
  tenant: z
    .string()
    .optional()
    .meta({ description: "Slug of the tenant of a call that is not signed in; `default` where it is missing." }),
  actingTenant: z.string().optional().meta({
    description: "Slug of another tenant to act in. Needs the permission `platform:act`; stands in both logs.",
  }),
  csrfToken: z
    .string()
    .optional()
    .meta({ description: "Equal to the cookie `csrf_token`, where the session is kept in cookies." }),
  idempotencyKey: z
    .string()
    .min(1)
    .max(255)
    .optional()
    .meta({ description: "Makes the request safe to repeat for 24 hours." }),
};

const text = z.string();
const RateLimit = text.meta({
  description: "IETF draft-ietf-httpapi-ratelimit-headers",
  example: '"default";r=599;t=60',
});
const RateLimitPolicy = text.meta({ example: '"default";q=600;w=60' });
const Replayed = z
  .literal("true")
  .optional()
  .meta({ description: "This is the kept answer of an earlier request with the same key." });

export function responseHeaders(route: ApiRoute): z.ZodObject {
  const headers = {
    "X-Correlation-ID": text,
    RateLimit: RateLimit.optional(),
    "RateLimit-Policy": RateLimitPolicy.optional(),
  };
  return z.object({ ...headers, ...(route.idempotentAction && { "Idempotency-Replayed": Replayed }) });
}

const retryAfter = z.object({ "Retry-After": z.string().meta({ description: "Seconds" }) });
const challenge = z.object({ "WWW-Authenticate": text });

function problem(id: string, description: string, headers?: z.ZodObject): ZodOpenApiResponseObject {
  return { id, description, content: { "application/problem+json": { schema: Problem } }, ...(headers && { headers }) };
}

const problems = {
  400: problem(
    "BadRequest",
    "Malformed: JSON, address, header or mailed token (`invalid_json`, `bad_request`, `token_invalid`).",
  ),
  401: problem(
    "Unauthorized",
    "Not signed in, or not any more. `token_stale` and `token_expired`: refresh and go on.",
    challenge,
  ),
  402: problem("PaymentRequired", "Needs a premium subscription."),
  403: problem("Forbidden", "Not allowed."),
  404: problem("NotFound", "The requested resource was not found."),
  408: problem("RequestTimeout", "The request did not arrive in time."),
  409: problem("Conflict", "In conflict with what is there."),
  410: problem("Gone", "The account has been erased."),
  413: problem("PayloadTooLarge", "The body is too large."),
  415: problem("UnsupportedMediaType", "The body is not JSON in UTF-8."),
  422: problem(
    "Unprocessable",
    "Fields that are missing, unknown or not valid; or an idempotency key used with another body.",
  ),
  429: problem("TooManyRequests", "Too many requests or attempts.", retryAfter),
  500: problem("InternalError", "Something went wrong on our side."),
  503: problem("Unavailable", "Not available right now.", retryAfter),
} as const;

type Status = keyof typeof problems;

export function problemResponses(route: Route): ZodOpenApiResponsesObject {
  const statuses = route.kind === "api" ? statusesOf(route) : pageStatuses[route.page];
  return Object.fromEntries(
    (statuses ?? []).map((status) => [String(status), problems[status]]),
  ) as ZodOpenApiResponsesObject;
}

function statusesOf(route: ApiRoute): readonly Status[] {
  const withBody: readonly Status[] = route.input === "body" || route.input === "file" ? [408, 413, 415] : [];
  const unsafe: readonly Status[] = route.method === "GET" && !route.redirect ? [] : [409, 410];
  return [400, 401, 402, 403, 404, ...unsafe, ...withBody, 422, 429, 500, 503];
}

const pageStatuses: Readonly<Record<string, readonly Status[]>> = {
  metrics: [401],
  databaseStatus: [401, 503],
  jwks: [503],
  devMail: [404],
  avatar: [404, 503],
  asset: [404],
};
