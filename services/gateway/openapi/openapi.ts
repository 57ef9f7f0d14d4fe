import * as z from "zod";
import {
  createDocument,
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathsObject,
  type ZodOpenApiResponsesObject,
} from "zod-openapi";
import type { ActionDef } from "../../../lib/actions/contract.ts";
import * as field from "../../../lib/actions/schemas.ts";
import { definitionOf } from "../../../lib/actions/typed-call.ts";
import { ExportDocument } from "../../../lib/contracts/personal-data.contract.ts";
import type { ApiRoute, Route } from "../routes.ts";
import { pageOperation } from "./openapi-pages.ts";
import { parameters, problemResponses, responseHeaders } from "./openapi-parts.ts";
import { answerWithTheirNames, bodyWithTheirNames, orInCookies } from "./openapi-variants.ts";

interface About {
  readonly version: string;
  readonly publicUrl: string;
}

/** OpenAPI 3.1 from the table of routes and the schemas that validate: there is nothing else to keep in step. */
export function openApiDocument(routes: readonly Route[], { version, publicUrl }: About): string {
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
    paths: pathsOf(routes),
    components: {
      securitySchemes: {
        bearer: {
          type: "http",
          scheme: "bearer",
          bearerFormat: "JWT",
          description: "Access token of a sign-in (RFC 6750, RFC 9068).",
        },
        cookie: {
          type: "apiKey",
          in: "cookie",
          name: publicUrl.startsWith("https:") ? "__Host-access_token" : "access_token",
          description:
            "After `use_cookies` at login or refresh. Unsafe methods need `X-CSRF-Token` then, equal to the cookie `csrf_token`.",
        },
        service: {
          type: "http",
          scheme: "basic",
          description: "Name and secret of a foreign service (`SERVICE_CREDENTIALS`, `SERVICE_PERMISSIONS`).",
        },
      },
    },
  });
  return JSON.stringify(document);
}

function pathsOf(routes: readonly Route[]): ZodOpenApiPathsObject {
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {};
  for (const route of routes) {
    const operations = paths[route.path] ?? {};
    paths[route.path] = operations;
    operations[route.method.toLowerCase()] = route.kind === "api" ? apiOperation(route) : pageOperation(route);
  }
  return paths;
}

function apiOperation(route: ApiRoute): ZodOpenApiOperationObject {
  const def = definitionOf(route.action) as ActionDef;
  const inPath = [...route.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? "");
  return {
    operationId: operationIdOf(route),
    tags: [route.tag],
    summary: route.summary,
    ...descriptionOf(def),
    security: securityOf(route),
    requestParams: requestParamsOf(route, def, inPath),
    ...(route.input === "body" && { requestBody: requestBodyOf(route, def, inPath) }),
    ...(route.input === "file" && { requestBody: fileBody }),
    responses: { ...goodResponses(route, def), ...problemResponses(route) },
  };
}

function operationIdOf(route: ApiRoute): string {
  const path = route.seed ? `/as${route.path.replace("v1", "one")}` : route.path.replace("/api/v1/", "");
  const words = `${route.method.toLowerCase()} ${path.replace(/\{\w+\}/g, "one")}`;
  return words.replace(/[^a-z]+([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function securityOf(route: ApiRoute): Array<Record<string, string[]>> {
  if (route.auth === "public") return [];
  const byUser = [{ bearer: [] }, { cookie: [] }];
  if (route.auth === "user") return byUser;
  return route.auth === "service" ? [{ service: [] }, ...byUser] : [{}, ...byUser];
}

function requestParamsOf(
  route: ApiRoute,
  def: ActionDef,
  inPath: readonly string[],
): NonNullable<ZodOpenApiOperationObject["requestParams"]> {
  const shape = def.params instanceof z.ZodObject ? (def.params.shape as Record<string, z.ZodType>) : {};
  const query =
    route.input === "query" && def.params instanceof z.ZodObject
      ? without(def.params, [...inPath, ...ofBrowser(route, def.params)])
      : undefined;
  const header = {
    "X-Correlation-ID": parameters.correlationId,
    ...(route.namesTenant && { "X-Tenant": parameters.tenant }),
    ...(route.auth === "user" && { "X-Tenant": parameters.actingTenant }),
    ...(route.method !== "GET" && route.auth !== "public" && { "X-CSRF-Token": parameters.csrfToken }),
  };
  return {
    ...(inPath.length > 0 && {
      path: z.object(Object.fromEntries(inPath.map((name) => [name, shape[name] ?? field.Id]))),
    }),
    ...(query && { query }),
    header: z.object({ ...header, ...(route.idempotentAction && { "Idempotency-Key": parameters.idempotencyKey }) }),
  };
}

function requestBodyOf(
  route: ApiRoute,
  def: ActionDef,
  inPath: readonly string[],
): NonNullable<ZodOpenApiOperationObject["requestBody"]> {
  const schema =
    def.params instanceof z.ZodObject ? without(def.params, [...inPath, ...ofBrowser(route, def.params)]) : def.params;
  return {
    required: !schema.safeParse({}).success || route.method !== "POST",
    content: {
      "application/json": { schema: bodyWithTheirNames(route, schema) },
      ...(route.form && { "application/x-www-form-urlencoded": { schema } }),
    },
  };
}

/** A cookie's value is neither sent nor shown as a field. */
function ofBrowser(route: ApiRoute, { shape }: z.ZodObject): string[] {
  return route.browser && "browser" in shape ? ["browser"] : [];
}

const fileBody = {
  required: true,
  content: {
    "multipart/form-data": {
      schema: z.strictObject({ file: z.file().meta({ description: "jpg, png, gif or webp, told by its content" }) }),
    },
  },
};

function descriptionOf({ access: { permission, premiumOr } }: ActionDef): { description?: string } {
  if (permission !== undefined) return { description: `Needs the permission \`${permission}\`.` };
  return premiumOr === undefined
    ? {}
    : { description: `Needs a premium subscription, or the permission \`${premiumOr}\`.` };
}

function without(schema: z.ZodObject, names: readonly string[]): z.ZodObject {
  if (names.length === 0) return schema;
  return z.strictObject(Object.fromEntries(Object.entries(schema.shape).filter(([name]) => !names.includes(name))));
}

function goodResponses(route: ApiRoute, def: ActionDef): ZodOpenApiResponsesObject {
  const answer = route.stream ? ExportDocument : route.bare ? def.result : envelopeOf(route, def);
  const schema = route.seed ? answerWithTheirNames(answer) : answer;
  const response = {
    description: route.message,
    headers: responseHeaders(route),
    content: { "application/json": { schema } },
  };
  const accepted = {
    ...response,
    description: "Accepted; the outcome is mailed.",
    content: { "application/json": { schema: envelope(z.null()) } },
  };
  return {
    ...(route.redirect && { "302": redirection }),
    ...(route.status !== 302 && { [String(route.status)]: response }),
    ...(route.dataField && !route.redirect && isNullable(def, route.dataField) && { "202": accepted }),
  } as ZodOpenApiResponsesObject;
}

const redirection = {
  description: "On to the address in `Location`.",
  headers: z.object({ Location: z.string(), "Set-Cookie": z.string().optional() }),
};

function envelope(data: z.ZodType, more: Readonly<Record<string, z.ZodType>> = {}): z.ZodType {
  return z.strictObject({ success: z.literal(true), message: z.string(), data, ...more });
}

function envelopeOf(route: ApiRoute, def: ActionDef): z.ZodType {
  if (route.list === "whole") return envelope(def.result, { meta: ListMeta });
  const shape = def.result instanceof z.ZodObject ? (def.result.shape as Record<string, z.ZodType>) : {};
  if (route.list === "page") return envelope(shape.items as z.ZodType, { meta: ListMeta });
  if (route.dataField !== undefined)
    return envelope(orInCookies(route, unwrapped(shape[route.dataField] as z.ZodType)));
  if (!(def.result instanceof z.ZodObject)) return envelope(orInCookies(route, def.result));
  if (Object.keys(shape).length === 0) return envelope(z.null());
  return envelope(orInCookies(route, without(def.result, ofBrowser(route, def.result))));
}

function unwrapped(schema: z.ZodType): z.ZodType {
  return schema instanceof z.ZodNullable ? (schema.unwrap() as z.ZodType) : schema;
}

function isNullable(def: ActionDef, name: string): boolean {
  return def.result instanceof z.ZodObject && def.result.shape[name] instanceof z.ZodNullable;
}

const ListMeta = z
  .strictObject({
    total: z
      .int()
      .nullable()
      .meta({ description: "Activity lists count up to 1,000 entries: null where there are more." }),
    page: z.int().nullable().meta({ description: "null where a cursor was sent" }),
    limit: z.int(),
    total_pages: z.int().nullable(),
    has_next: z.boolean(),
    has_previous: z.boolean(),
    next_cursor: z.string().nullable(),
  })
  .meta({ id: "ListMeta" });
