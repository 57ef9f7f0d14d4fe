import { type HttpResponse, jsonResponse, TEXT_TYPE } from "../http/response.ts";
import type { JsonRoute, ListRoute, RedirectRoute } from "../routes.types.ts";

type Result = Readonly<Record<string, unknown>>;

interface Page {
  readonly items: readonly unknown[];
  readonly total?: number | null;
  readonly page?: number;
  readonly limit: number;
  readonly next_cursor: string | null;
}

/** Makes the response of a route from the result of its action. */
export function respond(route: JsonRoute | ListRoute | RedirectRoute, result: unknown, params: Result): HttpResponse {
  if (route.kind === "json") return respondJson(route, result);
  return route.kind === "list" ? respondList(route, result, params) : respondRedirect(route, result);
}

function respondJson({ envelope, dataField, status, message }: JsonRoute, result: unknown): HttpResponse {
  if (envelope === false) return jsonResponse(200, result);
  if (dataField === undefined) return successResponse(status, { message, data: isEmpty(result) ? null : result });
  const data = (result as Result)[dataField] ?? null;
  // Must not reveal whether an account exists: only the owner of the address learns it, by mail.
  if (data === null) return successResponse(202, { message: "Accepted. Check your inbox.", data, outcome: "accepted" });
  return successResponse(status, { message, data, ...(status === 201 && { outcome: "created" }) });
}

function respondList({ paginated, message }: ListRoute, result: unknown, params: Result): HttpResponse {
  if (paginated) {
    const page = result as Page;
    return successResponse(200, { message, data: page.items, meta: listMeta(page, params.cursor !== undefined) });
  }
  return respondWholeList(message, result as readonly unknown[]);
}

export function respondWholeList(message: string, items: readonly unknown[]): HttpResponse {
  const page = { items, total: items.length, page: 1, limit: Math.max(1, items.length), next_cursor: null };
  return successResponse(200, { message, data: items, meta: listMeta(page, false) });
}

function respondRedirect({ method, dataField, message }: RedirectRoute, result: unknown): HttpResponse {
  const { location, ...rest } = result as Result & { readonly location: string | null };
  if (!location) return successResponse(200, { message, data: dataField === undefined ? null : rest[dataField] });
  return { status: method === "POST" ? 303 : 302, contentType: TEXT_TYPE, body: "", headers: ["Location", location] };
}

interface Envelope {
  readonly message: string;
  readonly data: unknown;
  readonly meta?: ReturnType<typeof listMeta>;
  /** `created` or `accepted`, for a route that answers 201 or 202. */
  readonly outcome?: "created" | "accepted";
}

export function successResponse(status: number, envelope: Envelope): HttpResponse {
  return jsonResponse(status, { success: true, ...envelope });
}

function isEmpty(result: unknown): boolean {
  if (typeof result !== "object" || result === null) return true;
  return !Array.isArray(result) && Object.keys(result).length === 0;
}

/** There is no page number if a cursor was sent. `total` is null if the action has not counted everything. */
function listMeta({ total, page, limit, next_cursor }: Page, byCursor: boolean) {
  const pages = total === undefined || total === null ? null : Math.max(1, Math.ceil(total / limit));
  const number = byCursor ? null : (page ?? null);
  return {
    total: total ?? null,
    page: number,
    limit,
    total_pages: pages,
    has_next: next_cursor !== null || (number !== null && pages !== null && number < pages),
    has_previous: byCursor || (number !== null && number > 1),
    next_cursor,
  };
}
