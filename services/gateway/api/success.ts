import { withLegacyAliases } from "../compatibility/legacy-routes.ts";
import { type HttpResponse, JSON_TYPE, jsonResponse } from "../http/response.ts";
import type { ApiRoute } from "../routes.ts";

interface Page {
  readonly items: readonly unknown[];
  readonly total?: number | null;
  readonly page?: number;
  readonly limit: number;
  readonly next_cursor: string | null;
}

/** The envelope of every good answer. */
export function successResponse(
  route: ApiRoute,
  result: unknown,
  params: Readonly<Record<string, unknown>>,
): HttpResponse {
  if (route.bare) return jsonResponse(200, result);
  const data = route.seed ? withLegacyAliases(dataOf(route, result)) : dataOf(route, result);
  const status = route.dataField !== undefined && data === null ? 202 : route.status;
  const message = status === route.status ? route.message : "Accepted. Look into your mails.";
  const meta = metaOf(route, result, params);
  const body = JSON.stringify(meta ? { success: true, message, data, meta } : { success: true, message, data });
  return { status, contentType: JSON_TYPE, body };
}

function dataOf(route: ApiRoute, result: unknown): unknown {
  if (route.list === "page") return (result as Page).items;
  if (route.dataField !== undefined) return (result as Record<string, unknown>)[route.dataField] ?? null;
  return isEmpty(result) ? null : result;
}

function isEmpty(result: unknown): boolean {
  if (typeof result !== "object" || result === null) return true;
  for (const _ in result) return false;
  return !Array.isArray(result);
}

function metaOf(route: ApiRoute, result: unknown, params: Readonly<Record<string, unknown>>): ListMeta | null {
  if (route.list === undefined) return null;
  if (route.list === "page") return pageMeta(result as Page, params.cursor !== undefined);
  const items = result as readonly unknown[];
  return pageMeta({ items, total: items.length, page: 1, limit: Math.max(1, items.length), next_cursor: null }, false);
}

type ListMeta = ReturnType<typeof pageMeta>;

/** By cursor there is no page number; where nobody counts the whole, `total` is null. */
function pageMeta({ total, page, limit, next_cursor }: Page, byCursor: boolean) {
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
