import * as z from "zod";
import type { ZodOpenApiOperationObject, ZodOpenApiResponsesObject } from "zod-openapi";
import type { ActionDef } from "../../../lib/actions/contract.ts";
import * as field from "../../../lib/actions/schemas.ts";
import { pathParamNames, reservedParams, routeAction, takesQuery } from "../api/prepare-route.ts";
import type { ApiRoute, JsonRoute } from "../routes.types.ts";
import { successResponses } from "./api-responses.ts";
import { type ErrorStatus, parameters, problemResponses, shapeOf, withoutFields } from "./shared-components.ts";

type Operation = ZodOpenApiOperationObject;

export function apiOperation(route: ApiRoute): Operation {
  const def = routeAction(route);
  return {
    operationId: operationId(route),
    tags: [route.tag],
    summary: route.summary,
    ...description(def),
    security: security(route),
    requestParams: requestParams(route, def),
    ...requestBody(route, def),
    responses: {
      ...successResponses(route, def),
      ...problemResponses(errorStatuses(route)),
    } as ZodOpenApiResponsesObject,
  };
}

function operationId({ method, path, tag }: ApiRoute): string {
  const name = tag === "Compatibility" ? `/as${path.replace("v1", "one")}` : path.replace("/api/v1/", "");
  const words = `${method.toLowerCase()} ${name.replace(/\{\w+\}/g, "one")}`;
  return words.replace(/[^a-z]+([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function description({ access: { permission, premiumOr } }: ActionDef): Pick<Operation, "description"> {
  if (permission !== undefined) return { description: `Requires the permission \`${permission}\`.` };
  if (premiumOr === undefined) return {};
  return { description: `Requires a premium subscription, or the permission \`${premiumOr}\`.` };
}

function security({ auth }: ApiRoute): NonNullable<Operation["security"]> {
  if (auth === "public") return [];
  const byUser = [{ bearer: [] }, { cookie: [] }];
  if (auth === "user") return byUser;
  return auth === "service" ? [{ service: [] }, ...byUser] : [{}, ...byUser];
}

function requestParams(route: ApiRoute, { params }: ActionDef): NonNullable<Operation["requestParams"]> {
  const pathNames = pathParamNames(route);
  const path = Object.fromEntries(pathNames.map((name) => [name, shapeOf(params)[name] ?? field.Id]));
  return {
    ...(pathNames.length > 0 && { path: z.object(path) }),
    ...(takesQuery(route) && params instanceof z.ZodObject && { query: withoutFields(params, reservedParams(route)) }),
    header: z.object({
      "X-Correlation-ID": parameters.correlationId,
      ...(route.usesTenantHeader && { "X-Tenant": parameters.tenant }),
      ...(route.auth === "user" && { "X-Tenant": parameters.actingTenant }),
      ...(route.method !== "GET" && route.auth !== "public" && { "X-CSRF-Token": parameters.csrfToken }),
      ...(route.kind === "json" && route.idempotentAction && { "Idempotency-Key": parameters.idempotencyKey }),
    }),
  };
}

function errorStatuses(route: ApiRoute): ErrorStatus[] {
  const ofBody: ErrorStatus[] = route.kind === "json" && route.input !== "none" ? [408, 413, 415] : [];
  const ofChange: ErrorStatus[] = route.method === "GET" && route.kind !== "redirect" ? [] : [409, 410];
  return [400, 401, 402, 403, 404, ...ofChange, ...ofBody, 422, 429, 500, 503];
}

function requestBody(route: ApiRoute, def: ActionDef): Pick<Operation, "requestBody"> {
  if (route.kind !== "json" || route.input === "none") return {};
  return { requestBody: route.input === "file" ? fileBody : jsonBody(route, def) };
}

const fileBody = {
  required: true,
  content: {
    "multipart/form-data": {
      schema: z.strictObject({
        file: z.file().meta({ description: "jpg, png, gif or webp; detected from the content" }),
      }),
    },
  },
};

function jsonBody(route: JsonRoute, { params }: ActionDef): NonNullable<Operation["requestBody"]> {
  const schema = params instanceof z.ZodObject ? withoutFields(params, reservedParams(route)) : params;
  return {
    required: !schema.safeParse({}).success || route.method !== "POST",
    content: {
      "application/json": { schema: route.translate?.requestSchema(schema) ?? schema },
      ...(route.acceptsForm && { "application/x-www-form-urlencoded": { schema } }),
    },
  };
}
