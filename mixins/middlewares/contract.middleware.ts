import { isDeepStrictEqual } from "node:util";
import type { Middleware } from "moleculer";
import type { ActionDef } from "../../lib/actions/contract.ts";
import { definitionOf } from "../../lib/actions/typed-call.ts";
import { validationError } from "../../lib/actions/validation.ts";
import { wrapActions } from "./wrap-action.ts";

type FindDefinition = (name: string) => ActionDef | undefined;

/**
 * Validates the params of an action by its contract. Actions without one (Moleculer's own, foreign ones) pass.
 * `checkResults`: results too, and that they survive JSON. Off in production: it costs some 30 µs for an account.
 */
export function contractMiddleware(
  { checkResults }: { readonly checkResults: boolean },
  find: FindDefinition = definitionOf,
): Middleware {
  return wrapActions("Contract", (next, action) => {
    const def = find(action);
    if (!def) return next;
    return async (ctx) => {
      const parsed = def.params.safeParse(ctx.params);
      if (!parsed.success) throw validationError(parsed.error.issues, ctx.params);
      ctx.params = parsed.data;
      const result = await next(ctx);
      if (checkResults) assertResult(action, def, result);
      return result;
    };
  });
}

function assertResult(name: string, def: ActionDef, result: unknown): void {
  const parsed = def.result.safeParse(result);
  if (!parsed.success) throw new Error(`The result of ${name} violates its contract: ${parsed.error.message}`);
  if (!isDeepStrictEqual(parsed.data, result))
    throw new Error(`The result of ${name} has fields its contract does not know: ${JSON.stringify(result)}`);
  const text = JSON.stringify(result);
  if (text === undefined || !isDeepStrictEqual(JSON.parse(text), result))
    throw new Error(`The result of ${name} does not survive JSON`);
}
