import type { IncomingMessage } from "node:http";
import type * as z from "zod";
import type { Caller } from "../../lib/actions/caller.ts";
import type { ActionName } from "../../lib/actions/typed-call.ts";
import type { JsonObject } from "./http/json-body.ts";
import type { RequestContext } from "./http/request-context.ts";
import type { AppPageName } from "./pages/app/app-pages.ts";

/** A row of the table in routes.ts. moleculer-web's aliases and the OpenAPI document are derived from it. */
export type Route = ApiRoute | EventsRoute | PageRoute;
/** A route that calls one of our actions. What the action accepts, returns and permits is in its contract. */
export type ApiRoute = JsonRoute | ListRoute | RedirectRoute | StreamRoute;
/** A route whose requests pass moleculer-web's hooks (web/hooks.ts) first. */
export type GuardedRoute = ApiRoute | EventsRoute | ExtensionRoute;

interface BaseRoute {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** `{name}` matches one segment, in the format that http/path-params.ts has for that name. */
  readonly path: string;
  readonly tag: Tag;
  readonly summary: string;
  /** For a path of an earlier system: the system, and the route that replaces the path. */
  readonly legacy?: { readonly system: string; readonly replacement: string };
}

interface ActionRoute extends BaseRoute {
  /** Path parameters become the action's parameters of the same name. */
  readonly action: ActionName;
  /** `public` ignores tokens, `optional` uses a valid one, `service` also accepts the secret of another service. */
  readonly auth: "public" | "optional" | "user" | "service";
  /** Anonymous callers select their tenant with `X-Tenant`. Other public routes find it by a token or the OAuth state. */
  readonly usesTenantHeader?: true;
  readonly rateLimit: RateLimitClass;
  readonly message: string;
  readonly translate?: Translation;
}

/** Responds with `{ success, message, data }`. The query is ignored. */
export interface JsonRoute extends ActionRoute, CookieFields {
  readonly kind: "json";
  /** `avatar` and `logo` are uploads of a picture, and what is made of it becomes the parameters: see api/image-upload.ts. */
  readonly input: "none" | "body" | "avatar" | "logo";
  readonly status: 200 | 201 | 202;
  /** Also accepts an application/x-www-form-urlencoded body. */
  readonly acceptsForm?: true;
  /** Member of the result that becomes `data`. If it is null, the response is 202. */
  readonly dataField?: string;
  /** `false`: the result itself is the response body. */
  readonly envelope?: false;
  /** On an `optional` route, an invalid token is ignored if the body has this field, which replaces it. */
  readonly authFallbackField?: string;
  /** The action that commits, and stores its result under the request's `Idempotency-Key`. */
  readonly idempotentAction?: ActionName;
  /** The result has `updated_at`, which becomes the `ETag`; a change takes `If-Match`. */
  readonly versioned?: true;
  /** The action is idempotent by protocol: if a node does not answer, the call is repeated on another one. */
  readonly failover?: true;
}

/** Responds with `{ success, message, data, meta }`, where `data` is a list and `meta` describes the page. */
export interface ListRoute extends ActionRoute {
  readonly kind: "list";
  readonly method: "GET";
  /** `true`: the query selects the page, and the result is `{ items, … }`. `false`: the result is the whole list. */
  readonly paginated: boolean;
}

/** Redirects to the result's `location`. If that is null, it responds like a JSON route with `dataField` as `data`. */
export interface RedirectRoute extends ActionRoute, CookieFields {
  readonly kind: "redirect";
  /** POST takes a form and redirects with 303, so that the browser goes on with GET. */
  readonly method: "GET" | "POST";
  readonly dataField?: string;
}

/** Streams one JSON document without an envelope. Each service that stores personal data contributes a section. */
export interface StreamRoute extends ActionRoute {
  readonly kind: "stream";
  readonly method: "GET";
}

/** A stream of server-sent events (HTML Living Standard, section 9.2) that stays open. */
export interface EventsRoute extends BaseRoute {
  readonly kind: "events";
  readonly method: "GET";
  readonly auth: "user";
  readonly rateLimit: RateLimitClass;
}

/** A route that a service of another team has declared itself, under /ext. It is not in the table. */
export interface ExtensionRoute {
  readonly kind: "extension";
  readonly method: string;
  /** `{name}` matches one segment. */
  readonly path: string;
  readonly action: string;
  readonly auth: "public" | "optional" | "user";
  readonly rateLimit: RateLimitClass;
}

/** A cookie of auth/binding-cookies.ts. */
export type BindingCookie = "oauth" | "registration";

/** Routes that exchange values with the browser through cookies. */
interface CookieFields {
  /** `set`: on request, tokens are returned in cookies. `clear`: the session cookies are removed. */
  readonly sessionCookies?: "set" | "clear";
  /** A value of the action that is kept in a cookie: see auth/binding-cookies.ts. */
  readonly bindingCookie?: BindingCookie;
}

/** Lets a route serve an action under another API's field names: see compatibility/. */
export interface Translation {
  request(body: JsonObject): JsonObject;
  response(result: unknown): unknown;
  /** The same translation for the schemas in the OpenAPI document. */
  requestSchema(schema: z.ZodType): z.ZodType;
  responseSchema(schema: z.ZodType): z.ZodType;
  /** Header that serves as the idempotency key if the request has no `Idempotency-Key`. */
  readonly idempotencyKeyHeader?: "x-request-id";
}

/** Changes what a route's action receives and returns, for fields in cookies and for field names of earlier systems. */
export interface RouteAdapter {
  /** Changes the body before it is validated. */
  body?(body: JsonObject, context: RequestContext, caller: Caller): JsonObject;
  /** Parameters that are read from elsewhere, such as a cookie. Body and query may not contain them. */
  params?(request: IncomingMessage): JsonObject;
  /** Changes the result before the response is made from it, and may add response headers. */
  result?(result: unknown, context: RequestContext, params: JsonObject): unknown;
}

export type RateLimitClass = "register" | "login" | "mail" | "default";
export type Tag = "Auth" | "Users" | "Admin" | "System" | "Compatibility";

/** A response that the gateway produces itself. */
export interface PageRoute extends BaseRoute {
  readonly kind: "page";
  readonly method: "GET" | "DELETE";
  readonly page: PageName;
  /** Media type of a successful response, for the OpenAPI document. */
  readonly contentType: string;
}

// biome-ignore format: a list
export type PageName =
  | "home" | "health" | "live" | "ready" | "metrics" | "databaseStatus" | "jwks" | "openapi" | "compatibility" | "docs" | "redoc"
  | "devMail" | "devMailClear" | "devMailFrame" | "mailSamples" | "mailSampleFrame" | "avatar" | "tenantLogo" | "brandColors" | "asset" | "favicon" | "changePassword" | "serverMetadata" | AppPageName;
