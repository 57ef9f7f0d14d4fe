import type { ActionName } from "../../lib/actions/typed-call.ts";

/** What most rows of the table have in common. A JSON route takes a body unless its row says otherwise. */
const common = { auth: "user", rateLimit: "default" } as const;
export const json = { kind: "json", input: "body", status: 200, ...common } as const;
export const get = { ...json, method: "GET", input: "none" } as const;
export const list = { kind: "list", method: "GET", paginated: true, ...common } as const;
export const wholeList = { ...list, paginated: false } as const;
export const page = { kind: "page", method: "GET", tag: "System" } as const;
export const htmlPage = { ...page, contentType: "text/html" } as const;

/** A route whose own action stores the result under the `Idempotency-Key`. */
export function idempotent<A extends ActionName>(action: A) {
  return { action, idempotentAction: action } as const;
}
