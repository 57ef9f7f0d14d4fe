import { AppError } from "./errors.ts";

/**
 * Who makes a call. Set by the gateway from a token, by a service for its own calls, by the
 * REPL for an operator; it travels in `ctx.meta.caller`.
 */
export type Caller = AnonymousCaller | UserCaller | ServiceCaller | OperatorCaller;
export type CallerKind = Caller["kind"];

export interface AnonymousCaller {
  readonly kind: "anonymous";
  /** Slug of the tenant that the request names. */
  readonly tenant: string;
}

export interface UserCaller {
  readonly kind: "user";
  readonly user_id: string;
  /** Where the account lives. */
  readonly home_tenant_id: string;
  /** Where this call acts: the home tenant, or another by `X-Tenant` with `platform:act`. */
  readonly tenant_id: string;
  readonly session_id: string;
  readonly roles: readonly string[];
  readonly permissions: readonly string[];
  readonly tier: "basic" | "premium";
  /** Seconds since the epoch of the last proof of identity (OpenID Connect Core, section 2). */
  readonly auth_time: number;
  readonly amr: readonly string[];
  /** Milliseconds since the epoch at which the access token ends. */
  readonly expires_at: number;
}

export interface ServiceCaller {
  readonly kind: "service";
  readonly name: string;
}

export interface OperatorCaller {
  readonly kind: "operator";
  readonly name: string;
}

/**
 * The signed-in user of an action that only users may call. The access check has already rejected other callers, with the
 * same codes: `token_missing` for anonymous ones, `forbidden` for services and operators.
 */
export function requireUser(caller: Caller): UserCaller {
  if (caller.kind === "user") return caller;
  throw new AppError(caller.kind === "anonymous" ? "token_missing" : "forbidden");
}

/** Slug of the tenant that an anonymous request names; other callers use the default tenant. */
export function requestedTenant(caller: Caller): string {
  return caller.kind === "anonymous" ? caller.tenant : DEFAULT_TENANT;
}

/** Fields of an event: the user who caused it, if one did, and from which address. */
export function originOf({ caller, client }: { readonly caller: Caller; readonly client: Client }) {
  return {
    ...(caller.kind === "user" && { actor_id: caller.user_id }),
    ...(client.ip !== "" && { ip: client.ip }),
  };
}

/** Where the request came from, as far as `TRUST_PROXY` lets us believe it. */
export interface Client {
  readonly ip: string;
  readonly user_agent: string;
}

/** What every call carries beside its params. JSON only: it crosses the bus. */
export interface Meta {
  caller?: Caller;
  correlation_id?: string;
  client?: Client;
  idempotency?: IdempotencyRequest;
  /** Written by the committing action: the answer is the kept one of an earlier request. */
  idempotency_replayed?: boolean;
}

/** A client's wish that a request has its effect once (IETF draft-ietf-httpapi-idempotency-key-header). */
export interface IdempotencyRequest {
  /** The one action that looks at it: the owner of the commit point, named by the route. */
  readonly action: string;
  readonly key: string;
  /** Tenant, caller (or address) and route. */
  readonly scope: string;
  /** HMAC of the body under each key of the ring, first the active one. */
  readonly body: ReadonlyArray<{ readonly kid: string; readonly mac: string }>;
}

/** The tenant every installation has; its system roles alone may hold `platform:*`. */
export const DEFAULT_TENANT_ID = "00000000-0000-7000-8000-000000000001";
export const DEFAULT_TENANT = "default";
