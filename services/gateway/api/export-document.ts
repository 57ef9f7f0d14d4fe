import type { UserCaller } from "../../../lib/actions/caller.ts";
import { type Actions, servicesWith } from "../../../lib/actions/typed-call.ts";
import type { Clock } from "../../../lib/runtime/clock.ts";
import { type HttpResponse, JSON_TYPE } from "../http/response.ts";

type Page = Actions["users.export"]["result"];
/** Asks one service for the part behind the cursor. */
export type ReadPage = (action: string, params: { readonly cursor?: string }) => Promise<Page>;

const owners = servicesWith("export");

/**
 * All that every service holds of a user, as one document that is never whole in memory. The first part of each service
 * is read before the answer begins, so that one that is away is a 503; one that fails later breaks the transfer off.
 */
export async function createExportResponse(caller: UserCaller, clock: Clock, read: ReadPage): Promise<HttpResponse> {
  const first = await Promise.all(owners.map((name) => read(`${name}.export`, {})));
  const head = { user_id: caller.user_id, exported_at: clock.now().toISOString() };
  return {
    status: 200,
    contentType: JSON_TYPE,
    headers: ["Content-Disposition", 'attachment; filename="usermesh-export.json"'],
    body: "",
    chunks: documentOf(head, first, read),
  };
}

async function* documentOf(head: object, first: readonly Page[], read: ReadPage): AsyncGenerator<string> {
  yield `${JSON.stringify(head).slice(0, -1)},"services":{`;
  for (const [index, name] of owners.entries()) {
    yield `${index === 0 ? "" : ","}${JSON.stringify(name)}:{`;
    yield* sectionsOf(first[index] as Page, (cursor) => read(`${name}.export`, { cursor }));
    yield "}";
  }
  yield "}}\n";
}

async function* sectionsOf(first: Page, next: (cursor: string) => Promise<Page>): AsyncGenerator<string> {
  let open: string | null = null;
  let isEmpty = true;
  for (let page = first; ; page = await next(page.next)) {
    if (page.section !== open) {
      yield `${open === null ? "" : "],"}${JSON.stringify(page.section)}:[`;
      open = page.section;
      isEmpty = true;
    }
    if (page.rows.length > 0) yield `${isEmpty ? "" : ","}${page.rows.map((row) => JSON.stringify(row)).join(",")}`;
    isEmpty &&= page.rows.length === 0;
    if (page.next === null) break;
  }
  yield "]";
}
