import * as z from "zod";
import type { ActionDef } from "../../../lib/actions/contract.ts";
import { ExportDocument } from "../../../lib/contracts/personal-data.contract.ts";
import { bindingField } from "../auth/binding-cookies.ts";
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
      return {
        [route.method === "POST" ? "303" : "302"]: redirection,
        ...(route.dataField !== undefined && { "200": respond(dataSchema(route, def)) }),
      };
    case "json": {
      const schema = route.envelope === false ? def.result : dataSchema(route, def);
      const isOptional = route.dataField !== undefined && shapeOf(def.result)[route.dataField] instanceof z.ZodNullable;
      return {
        [String(route.status)]: respond(isOptional ? withOutcome(schema, "created") : schema),
        ...(isOptional && {
          "202": respond(withOutcome(envelope(z.null()), "accepted"), "Accepted. The outcome is sent by mail."),
        }),
      };
    }
  }
}

const redirection = {
  description: "Redirects to the URL in `Location`.",
  headers: z.object({
    Location: z.string().describe("Where to go next."),
    "Set-Cookie": z.string().optional().describe("Binds the sign-in to this browser."),
  }),
};

function listSchema({ paginated }: ListRoute, { result }: ActionDef): z.ZodType {
  return envelope(paginated ? (shapeOf(result).items as z.ZodType) : result, { meta: ListMeta });
}

function dataSchema(route: JsonRoute | RedirectRoute, { result }: ActionDef): z.ZodType {
  if (route.dataField !== undefined)
    return envelope(orInCookies(route, unwrapNullable(shapeOf(result)[route.dataField] as z.ZodType)));
  if (!(result instanceof z.ZodObject)) return envelope(orInCookies(route, result));
  if (Object.keys(result.shape).length === 0) return envelope(z.null());
  const inBody = route.bindingCookie ? withoutFields(result, [bindingField(route.bindingCookie)]) : result;
  return envelope(orInCookies(route, inBody));
}

/** A sign-in with the tokens in the response or, with `use_cookies`, in cookies. Clients distinguish them by `transport`. */
function orInCookies({ sessionCookies }: JsonRoute | RedirectRoute, schema: z.ZodType): z.ZodType {
  if (sessionCookies !== "set") return schema;
  const outcomes = (schema instanceof z.ZodUnion ? schema.options : [schema]) as z.ZodType[];
  const signedIn = outcomes.flatMap(bothTransports);
  const [first, ...others] = signedIn;
  if (!first) return schema;
  const known = z.discriminatedUnion("transport", [first, ...others]);
  const other = outcomes.filter((one) => !isSignIn(one));
  return other.length === 0 ? known : z.union([...signedIn, ...other]);
}

type SignIn = z.ZodObject<{ transport: z.ZodLiteral }>;
/** Each schema is made once, because an OpenAPI component may be defined only once. */
const transports = new Map<z.ZodType, readonly SignIn[]>();

function bothTransports(schema: z.ZodType): readonly SignIn[] {
  if (!isSignIn(schema)) return [];
  const known = transports.get(schema) ?? makeTransports(schema);
  transports.set(schema, known);
  return known;
}

function isSignIn(schema: z.ZodType): schema is z.ZodObject {
  return schema instanceof z.ZodObject && "access_token" in schema.shape;
}

function makeTransports(schema: z.ZodObject): readonly SignIn[] {
  const name = String(schema.meta()?.id).replace(/Result$/, "");
  const inCookie = ["access_token", "refresh_token", "device_token"];
  const tokens = { ...schema.shape, transport: z.literal("tokens") };
  const cookies = {
    ...withoutFields(schema, inCookie).shape,
    transport: z.literal("cookies"),
    csrf_token: z.string(),
  };
  return [
    z.strictObject(tokens).meta({ id: `${name}WithTokens`, description: "The tokens are in the response." }),
    z.strictObject(cookies).meta({ id: `${name}WithCookies`, description: "The tokens are in cookies." }),
  ] as unknown as readonly SignIn[];
}

function envelope(data: z.ZodType, more: Readonly<Record<string, z.ZodType>> = {}): z.ZodType {
  return z.strictObject({ success: z.literal(true), message: z.string(), data, ...more });
}

/** `outcome` says whether `data` is null, so that a typed client can distinguish the cases. */
function withOutcome(schema: z.ZodType, outcome: "created" | "accepted"): z.ZodType {
  return z.strictObject({ ...shapeOf(schema), outcome: z.literal(outcome) });
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
