import type { Context, Middleware } from "moleculer";
import type { Meta } from "../../lib/actions/caller.ts";

export type ActionContext = Context<unknown, Meta>;
export type Next = (ctx: ActionContext) => Promise<unknown>;

/** A middleware around the actions of this node. `wrap` gets the full name of the action, and may return `next` itself. */
export function wrapActions(name: string, wrap: (next: Next, action: string) => Next): Middleware {
  return { name, localAction: (next, action) => wrap(next as Next, String(action.name)) };
}
