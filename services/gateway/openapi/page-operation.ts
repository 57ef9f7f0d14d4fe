import * as z from "zod";
import type { ZodOpenApiOperationObject, ZodOpenApiResponsesObject } from "zod-openapi";
import type { ErrorCode } from "../../../lib/actions/errors.ts";
import * as field from "../../../lib/actions/schemas.ts";
import { definitionOf } from "../../../lib/actions/typed-call.ts";
import type { PageName, PageRoute } from "../routes.types.ts";
import { camelCase } from "./api-operation.ts";
import { byStatus } from "./error-codes.ts";
import { Problem, problemResponses } from "./shared-components.ts";

const State = z
  .enum(["up", "down", "embedded", "unknown"])
  .meta({ description: "`unknown`: no node that uses it answers." });
const Alive = z.strictObject({ status: z.enum(["ok", "ready", "not_ready"]) });
const Health = z
  .strictObject({
    status: z.enum(["ok", "degraded"]),
    service: z.literal("usermesh").optional(),
    version: z.string().optional(),
    dependencies: z
      .strictObject({ database: State, nats: State, jetstream: State, redis: State, smtp: State })
      .optional(),
    services: z
      .record(z.string(), z.int())
      .meta({ description: "The number of nodes that run each service and worker." })
      .optional(),
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

const Metadata = z.looseObject({ issuer: z.url(), jwks_uri: z.url(), introspection_endpoint: z.url() });

interface PageDescription {
  readonly schema?: z.ZodType | undefined;
  /** Another media type that the page can return. */
  readonly alternative?: Readonly<Record<string, { readonly schema: z.ZodType }>>;
  readonly errors?: readonly ErrorCode[];
  /** A 503 has the same body as a 200. */
  readonly reportsUnavailability?: true;
  /** The page, or the details on it, require OPERATOR_TOKEN. */
  readonly operatorOnly?: true;
  readonly params?: ZodOpenApiOperationObject["requestParams"];
}

const text = z.string();
const pathParams = (...names: string[]) => ({
  path: z.object(Object.fromEntries(names.map((name) => [name, z.string()]))),
});
const pages: Readonly<Partial<Record<PageName, PageDescription>>> = {
  home: { schema: Home },
  health: { schema: Health, reportsUnavailability: true, operatorOnly: true },
  live: { schema: Alive },
  ready: { schema: Alive, reportsUnavailability: true },
  metrics: { errors: ["token_missing", "token_invalid"], operatorOnly: true },
  databaseStatus: {
    schema: definitionOf("users.databaseStatus")?.result,
    errors: ["token_missing", "token_invalid"],
    reportsUnavailability: true,
    operatorOnly: true,
  },
  jwks: { schema: Keys, errors: ["service_unavailable"] },
  serverMetadata: { schema: Metadata },
  devMail: { alternative: { "application/json": { schema: z.looseObject({}) } }, errors: ["not_found"] },
  devMailClear: { errors: ["not_found"] },
  devMailFrame: { errors: ["not_found"], params: pathParams("id") },
  mailSamples: {
    alternative: { "application/json": { schema: z.looseObject({}) } },
    errors: ["not_found", "service_unavailable"],
  },
  mailSampleFrame: { errors: ["not_found", "service_unavailable"], params: pathParams("name") },
  verifyEmail: {
    params: {
      query: z.object({ token: field.OneTimeToken.optional().meta({ description: "Only in older mails." }) }),
    },
  },
  tenantLogo: { errors: ["not_found", "service_unavailable"], params: pathParams("logo") },
  brandColors: { errors: ["not_found"], params: pathParams("color") },
  avatar: { errors: ["not_found", "service_unavailable"], params: pathParams("image") },
  asset: {
    alternative: { "text/css": { schema: text }, "image/svg+xml": { schema: text }, "font/woff2": { schema: text } },
    errors: ["not_found"],
    params: pathParams("file"),
  },
};

export function pageOperation({ path, page, tag, summary, contentType, legacy }: PageRoute): ZodOpenApiOperationObject {
  const described = pages[page] ?? {};
  const { schema, alternative, errors = [], reportsUnavailability, operatorOnly } = described;
  // Several paths may show the same page; the names of their parameters make the ids unique.
  const names = described.params ? [] : [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
  const params = names.length === 0 ? described.params : pathParams(...names);
  const content = {
    [contentType]: { schema: contentType === "application/json" ? (schema ?? z.looseObject({})) : text },
    ...alternative,
  };
  const unavailable = {
    description: "Unavailable; the body is the same as for 200, or a problem document.",
    headers: z.object({ "Retry-After": z.string().describe("Seconds to wait.") }),
    content: { ...content, "application/problem+json": { schema: Problem } },
  };
  return {
    operationId: camelCase(
      legacy ? `get ${path}` : `get ${kebab(page)} ${byPath(path, page)}${names.join(" ")}`,
    ).trim(),
    description: legacy
      ? `Of ${legacy.system}. Use \`${legacy.replacement}\`.`
      : operatorOnly
        ? "For callers on loopback, or with `OPERATOR_TOKEN`."
        : "For anyone.",
    ...(legacy && { deprecated: true }),
    tags: [tag],
    summary,
    security: operatorOnly ? [{}, { bearer: [] }] : [],
    ...(params && { requestParams: params }),
    responses: {
      ...(page === "changePassword"
        ? { "302": { description: summary, headers: z.object({ Location: z.string().describe("Where to go next.") }) } }
        : { "200": { description: summary, content } }),
      ...problemResponses(byStatus(["bad_request", ...errors, "rate_limited", "internal_error"])),
      ...(reportsUnavailability && { "503": unavailable }),
    } as ZodOpenApiResponsesObject,
  };
}

/** Some pages have two paths. */
function byPath(path: string, page: PageName): string {
  if (path.endsWith(".ico")) return "ico ";
  if (path === "/api/v1") return "of api ";
  // The sections of the console have one page.
  if (page === "admin") return `${path.replace(/^\/(admin\/?)?/, "").replace(/\{.*/, "")} `;
  return page === "serverMetadata" && path.endsWith("authorization-server") ? "of oauth " : "";
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter}`);
}
