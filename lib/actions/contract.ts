import type * as z from "zod";
import type { CallerKind } from "./caller.ts";

/**
 * A contract is a value: what others may know of a service. Actions with params, result and access, the events
 * it states, the powers it needs elsewhere. Typed calls, validation and OpenAPI are all taken from it.
 */
export interface Access {
  /** Kinds of caller that may knock at all. */
  readonly callers: readonly CallerKind[];
  /** What a user or a service must hold. Never a role's name. */
  readonly permission?: string;
  /** A user needs a premium subscription, or else this permission; without either 402 `premium_required`. */
  readonly premiumOr?: string;
  /** Seconds since the last proof of identity at most, else `step_up_required`. */
  readonly fresh?: number;
  /** Methods of authentication of which the token must name one (RFC 8176). */
  readonly amr?: readonly string[];
}

export interface ActionDef<P extends z.ZodType = z.ZodType, R extends z.ZodType = z.ZodType> {
  readonly params: P;
  readonly result: R;
  readonly access: Access;
  /** Safe to run twice: the bus may repeat it on another node when one dies. Only for reads. */
  readonly idempotent?: boolean;
  /** Outside breaker and retry: each caller decides for itself. */
  readonly circuitBreaker?: false;
  /** Own time limit in milliseconds, where the bus's is not right. */
  readonly timeout?: number;
}

export interface Contract<N extends string = string, A extends Record<string, ActionDef> = Record<string, ActionDef>> {
  readonly name: N;
  readonly actions: A;
  /** Permissions that this service holds as `service:<name>` when it calls others. */
  readonly requiredPermissions: readonly string[];
  /** Tables that hold personal data, cleared by this service when a user is erased. */
  readonly personalDataTables: readonly string[];
}

export function action<P extends z.ZodType, R extends z.ZodType>(def: ActionDef<P, R>): ActionDef<P, R> {
  return def;
}

export function contract<const N extends string, A extends Record<string, ActionDef>>(
  name: N,
  parts: { readonly actions: A; readonly needs?: readonly string[]; readonly personal?: readonly string[] },
): Contract<N, A> {
  return {
    name,
    actions: parts.actions,
    requiredPermissions: parts.needs ?? [],
    personalDataTables: parts.personal ?? [],
  };
}

export type ParamsOf<C extends Contract, K extends keyof C["actions"]> = z.output<C["actions"][K]["params"]>;
export type ResultOf<C extends Contract, K extends keyof C["actions"]> = z.output<C["actions"][K]["result"]>;

/** `{ "users.get": { params, result }, … }` of one contract. */
export type Flat<C> =
  C extends Contract<infer N, infer A>
    ? {
        [K in keyof A & string as `${N}.${K}`]: {
          params: z.input<A[K]["params"]>;
          result: z.output<A[K]["result"]>;
        };
      }
    : never;
