import type { UserCaller } from "../../../lib/actions/caller.ts";
import { type Actions, servicesWith } from "../../../lib/actions/typed-call.ts";
import type { Clock } from "../../../lib/runtime/clock.ts";
import { type HttpResponse, JSON_TYPE } from "../http/response.ts";

type Page = Actions["users.export"]["result"];
/** Reads the page after the cursor from one service. */
export type ReadPage = (action: string, params: { readonly cursor?: string }) => Promise<Page>;

const owners = servicesWith("export");

/**
 * Streams everything that the services store about a user as one document, which is never in memory as a whole. The first
 * page of each service is read before the response begins, so that an unavailable service is a 503; a later failure
 * aborts the transfer.
 */
export async function createExportResponse(caller: UserCaller, clock: Clock, read: ReadPage): Promise<HttpResponse> {
  const first = await Promise.all(owners.map((name) => read(`${name}.export`, {})));
  const start = { user_id: caller.user_id, exported_at: clock.now().toISOString() };
  return {
    status: 200,
    contentType: JSON_TYPE,
    headers: ["Content-Disposition", 'attachment; filename="usermesh-export.json"'],
    body: "",
    chunks: streamDocument(start, first, read),
  };
}

async function* streamDocument(start: object, first: readonly Page[], read: ReadPage): AsyncGenerator<string> {
  yield `${JSON.stringify(start).slice(0, -1)},"services":{`;
  for (const [index, name] of owners.entries()) {
    yield `${index === 0 ? "" : ","}${JSON.stringify(name)}:{`;
    yield* streamSections(first[index] as Page, (cursor) => read(`${name}.export`, { cursor }));
    yield "}";
  }
  yield "}}\n";
}

async function* streamSections(first: Page, readNext: (cursor: string) => Promise<Page>): AsyncGenerator<string> {
  let section: string | null = null;
  let isEmpty = true;
  for (let page = first; ; page = await readNext(page.next)) {
    if (page.section !== section) {
      yield `${section === null ? "" : "],"}${JSON.stringify(page.section)}:[`;
      section = page.section;
      isEmpty = true;
    }
    if (page.rows.length > 0) yield `${isEmpty ? "" : ","}${page.rows.map((row) => JSON.stringify(row)).join(",")}`;
    isEmpty &&= page.rows.length === 0;
    if (page.next === null) break;
  }
  yield "]";
}
