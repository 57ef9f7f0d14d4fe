import * as z from "zod";
import type { ZodOpenApiOperationObject, ZodOpenApiResponsesObject } from "zod-openapi";
import type { Access, ActionDef } from "../../../lib/actions/contract.ts";
import * as field from "../../../lib/actions/schemas.ts";
import { pathParamNames, reservedParams, routeAction, takesQuery } from "../api/prepare-route.ts";
import type { ApiRoute, JsonRoute, RedirectRoute } from "../routes.types.ts";
import { successResponses } from "./api-responses.ts";
import { errorCodes } from "./error-codes.ts";
import { operationName } from "./operation-ids.ts";
import { requestExamples } from "./request-examples.ts";
import { parameters, problemResponses, shapeOf, withoutFields } from "./shared-components.ts";

type Operation = ZodOpenApiOperationObject;

export function apiOperation(route: ApiRoute): Operation {
  const def = routeAction(route);
  return {
    operationId: operationId(route),
    tags: [route.tag],
    summary: route.summary,
    description: description(route, def),
    ...(route.legacy && { deprecated: true }),
    security: security(route),
    requestParams: requestParams(route, def),
    ...requestBody(route, def),
    responses: {
      ...successResponses(route, def),
      ...problemResponses(errorCodes(route, def)),
    } as ZodOpenApiResponsesObject,
  };
}

/** PUT and PATCH of a resource do the same, so only the verb of their ids differs. Legacy ids must merely be unique. */
function operationId({ method, path, action, legacy }: ApiRoute): string {
  if (legacy) return camelCase(`${method.toLowerCase()} ${path.replaceAll("v1", "one")}`);
  if (path === "/api/v1/users" && method === "POST") return "createUser";
  const name = operationName(action);
  return method === "PUT" ? name.replace(/^update/, "put") : name;
}

export function camelCase(words: string): string {
  return words.replace(/[^A-Za-z]+([A-Za-z]?)/g, (_, letter: string) => letter.toUpperCase());
}

/** The access that an operation requires, its rate limit and whether it is safe to repeat, in words. */
function description(route: ApiRoute, { access }: ActionDef): string {
  const sentences = [
    ...(route.legacy ? [`Of ${route.legacy.system}. Use \`${route.legacy.replacement}\`.`] : []),
    callers(route, access),
    ...(access.fresh === undefined
      ? []
      : [`The sign-in must be less than ${access.fresh / 60} minutes old, or 401 \`step_up_required\`.`]),
    ...(route.kind === "json" && route.idempotentAction ? ["Safe to repeat with an `Idempotency-Key`."] : []),
    ...(route.rateLimit === "default"
      ? []
      : [`Limited per address by \`RATE_LIMIT_${route.rateLimit.toUpperCase()}\`.`]),
  ];
  return sentences.join(" ");
}

function callers({ auth }: ApiRoute, { permission, premiumOr }: Access): string {
  if (auth === "public") return "For anyone.";
  if (auth === "optional") return "For anyone; a valid access token counts.";
  if (auth === "service") return "For services with a secret, and users with the permission.";
  if (permission !== undefined) return `Requires the permission \`${permission}\`.`;
  if (premiumOr !== undefined) return `Requires a premium subscription, or the permission \`${premiumOr}\`.`;
  return "For signed-in users.";
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
      ...(takesIfMatch(route) && { "If-Match": parameters.ifMatch }),
    }),
  };
}

function takesIfMatch(route: ApiRoute): boolean {
  return route.kind === "json" && route.versioned === true && route.method !== "GET";
}

function requestBody(route: ApiRoute, def: ActionDef): Pick<Operation, "requestBody"> {
  if (route.kind === "redirect" && route.method === "POST") return { requestBody: formBody(route, def) };
  if (route.kind !== "json" || route.input === "none") return {};
  return { requestBody: route.input === "body" ? jsonBody(route, def) : fileBody };
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

function formBody(route: RedirectRoute, { params }: ActionDef): NonNullable<Operation["requestBody"]> {
  const schema = params instanceof z.ZodObject ? withoutFields(params, reservedParams(route)) : params;
  return { required: true, content: { "application/x-www-form-urlencoded": { schema } } };
}

function withoutNames(example: object | undefined, names: readonly string[]): object | undefined {
  return example && Object.fromEntries(Object.entries(example).filter(([name]) => !names.includes(name)));
}

function jsonBody(route: JsonRoute, { params }: ActionDef): NonNullable<Operation["requestBody"]> {
  const schema = params instanceof z.ZodObject ? withoutFields(params, reservedParams(route)) : params;
  const example = withoutNames(requestExamples[route.action], reservedParams(route));
  return {
    required: !schema.safeParse({}).success || route.method !== "POST",
    content: {
      "application/json": {
        schema: route.translate?.requestSchema(schema) ?? schema,
        ...(example && { example }),
      },
      ...(route.acceptsForm && { "application/x-www-form-urlencoded": { schema } }),
    },
  };
}
