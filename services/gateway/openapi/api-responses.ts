import * as z from "zod";
import type { ActionDef } from "../../../lib/actions/contract.ts";
import { ExportDocument } from "../../../lib/contracts/personal-data.contract.ts";
import { OAUTH_STATE_FIELD } from "../auth/oauth-state-cookie.ts";
import type { ApiRoute, JsonRoute, ListRoute, RedirectRoute } from "../routes.types.ts";
import { responseHeaders, shapeOf, withoutFields } from "./shared-components.ts";

/** The successful responses of a route by status: the counterpart of api/respond.ts. */
export function successResponses(route: ApiRoute, def: ActionDef) {
  const respond = (schema: z.ZodType, description: string = route.message) => ({
    description,
    headers: responseHeaders(route),
    content: { "application/json": { schema: route.translate?.responseSchema(schema) ?? schema } },
  });
  switch (route.kind) {
    case "stream":
      return { "200": respond(ExportDocument) };
    case "list":
      return { "200": respond(listSchema(route, def)) };
    case "redirect":
      return { "302": redirection, ...(route.dataField !== undefined && { "200": respond(dataSchema(route, def)) }) };
    case "json": {
      const schema = route.envelope === false ? def.result : dataSchema(route, def);
      const isOptional = route.dataField !== undefined && shapeOf(def.result)[route.dataField] instanceof z.ZodNullable;
      return {
        [String(route.status)]: respond(schema),
        ...(isOptional && { "202": respond(envelope(z.null()), "Accepted. The outcome is sent by mail.") }),
      };
    }
  }
}

const redirection = {
  description: "Redirects to the URL in `Location`.",
  headers: z.object({ Location: z.string(), "Set-Cookie": z.string().optional() }),
};

function listSchema({ paginated }: ListRoute, { result }: ActionDef): z.ZodType {
  return envelope(paginated ? (shapeOf(result).items as z.ZodType) : result, { meta: ListMeta });
}

function dataSchema(route: JsonRoute | RedirectRoute, { result }: ActionDef): z.ZodType {
  if (route.dataField !== undefined)
    return envelope(orInCookies(route, unwrapNullable(shapeOf(result)[route.dataField] as z.ZodType)));
  if (!(result instanceof z.ZodObject)) return envelope(orInCookies(route, result));
  if (Object.keys(result.shape).length === 0) return envelope(z.null());
  return envelope(orInCookies(route, route.oauthStateCookie ? withoutFields(result, [OAUTH_STATE_FIELD]) : result));
}

/** With `use_cookies`, the same data without the tokens, which are in cookies. */
function orInCookies({ sessionCookies }: JsonRoute | RedirectRoute, schema: z.ZodType): z.ZodType {
  if (sessionCookies !== "set") return schema;
  const outcomes = schema instanceof z.ZodUnion ? schema.options : [schema];
  return z.union([schema, ...outcomes.flatMap(inCookies)]);
}

function inCookies(schema: unknown): z.ZodType[] {
  if (!(schema instanceof z.ZodObject) || !("access_token" in schema.shape)) return [];
  const csrf_token = z
    .string()
    .meta({ description: "To be sent in the header `X-CSRF-Token`. Also in the cookie `csrf_token`." });
  const shape = { ...withoutFields(schema, ["access_token", "refresh_token"]).shape, csrf_token };
  return [z.strictObject(shape).meta({ description: "With `use_cookies`" })];
}

function envelope(data: z.ZodType, more: Readonly<Record<string, z.ZodType>> = {}): z.ZodType {
  return z.strictObject({ success: z.literal(true), message: z.string(), data, ...more });
}

function unwrapNullable(schema: z.ZodType): z.ZodType {
  return schema instanceof z.ZodNullable ? (schema.unwrap() as z.ZodType) : schema;
}

const ListMeta = z
  .strictObject({
    total: z
      .int()
      .nullable()
      .meta({ description: "Activity lists count up to 1,000 entries: null if there are more." }),
    page: z.int().nullable().meta({ description: "null if a cursor was sent" }),
    limit: z.int(),
    total_pages: z.int().nullable(),
    has_next: z.boolean(),
    has_previous: z.boolean(),
    next_cursor: z.string().nullable(),
  })
  .meta({ id: "ListMeta" });
