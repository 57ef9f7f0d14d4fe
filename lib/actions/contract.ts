import type * as z from "zod";
import type { CallerKind } from "./caller.ts";

/** Who may call an action. Checked on the node that runs it (`mixins/middlewares/access.middleware.ts`). */
export interface Access {
  readonly callers: readonly CallerKind[];
  /** Permission that a user or a service must hold; operators need none. Never the name of a role. */
  readonly permission?: string;
  /** Users need a premium subscription or this permission, otherwise the call fails with 402 `premium_required`. */
  readonly premiumOr?: string;
  /** Maximum age of the user's last authentication in seconds, otherwise the call fails with `step_up_required`. */
  readonly fresh?: number;
}

export const asUser = { callers: ["user"] } as const satisfies Access;
export const asAnyone = { callers: ["anonymous", "user"] } as const satisfies Access;
export const asUserWith = (permission: string) => ({ callers: ["user"], permission }) as const satisfies Access;
/** Administrators with this permission, and operators. */
export const asAdministrator = (permission: string) =>
  ({ callers: ["user", "operator"], permission }) as const satisfies Access;
export const byOperator = { callers: ["operator"] } as const satisfies Access;
export const byService = (permission: string) => ({ callers: ["service"], permission }) as const satisfies Access;
export const byServiceOrOperator = (permission: string) =>
  ({ callers: ["service", "operator"], permission }) as const satisfies Access;

export interface ActionDef<P extends z.ZodType = z.ZodType, R extends z.ZodType = z.ZodType> {
  readonly params: P;
  readonly result: R;
  readonly access: Access;
  /** Safe to run twice: if a node dies, the bus repeats the call on another one. Only for reads. */
  readonly idempotent?: boolean;
  /** Excludes the action from circuit breaker and retry; callers handle failures themselves. */
  readonly circuitBreaker?: false;
  /** Milliseconds; overrides the bus's request timeout. */
  readonly timeout?: number;
}

/** Everything that other services may know about a service. Typed calls, validation and OpenAPI are derived from it. */
export interface Contract<N extends string = string, A extends Record<string, ActionDef> = Record<string, ActionDef>> {
  readonly name: N;
  readonly actions: A;
  /** Permissions that the service holds when it calls others. */
  readonly requiredPermissions: readonly string[];
}

export function action<P extends z.ZodType, R extends z.ZodType>(def: ActionDef<P, R>): ActionDef<P, R> {
  return def;
}

export function contract<const N extends string, A extends Record<string, ActionDef>>(
  name: N,
  parts: Pick<Contract<N, A>, "requiredPermissions" | "actions">,
): Contract<N, A> {
  return { name, ...parts };
}

export type ParamsOf<C extends Contract, K extends keyof C["actions"]> = z.output<C["actions"][K]["params"]>;
export type ResultOf<C extends Contract, K extends keyof C["actions"]> = z.output<C["actions"][K]["result"]>;

/** `{ "users.get": { params, result }, … }` of one contract. */
export type ActionTypes<C> =
  C extends Contract<infer N, infer A>
    ? {
        [K in keyof A & string as `${N}.${K}`]: {
          params: z.input<A[K]["params"]>;
          result: z.output<A[K]["result"]>;
        };
      }
    : never;
