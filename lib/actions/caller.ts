import { AppError } from "./errors.ts";

/** Who makes a call, in `ctx.meta.caller`. Set by the gateway from a token, by a service for its own calls, by the REPL. */
export type Caller = AnonymousCaller | UserCaller | ServiceCaller | OperatorCaller;
export type CallerKind = Caller["kind"];

export interface AnonymousCaller {
  readonly kind: "anonymous";
  /** Slug of the requested tenant. */
  readonly tenant: string;
}

export interface UserCaller {
  readonly kind: "user";
  readonly user_id: string;
  /** The tenant that the account belongs to. */
  readonly home_tenant_id: string;
  /** The tenant that this call acts in: the home tenant, or with `platform:act` another one that `X-Tenant` names. */
  readonly tenant_id: string;
  readonly session_id: string;
  readonly roles: readonly string[];
  readonly permissions: readonly string[];
  readonly tier: "basic" | "premium";
  /** Time of the last authentication in seconds since the epoch (OpenID Connect Core, section 2). */
  readonly auth_time: number;
  /** Milliseconds since the epoch at which the access token expires. */
  readonly expires_at: number;
}

export interface ServiceCaller {
  readonly kind: "service";
  readonly name: string;
}

/** Someone with access to the bus itself: the REPL and the `usermesh` command. Their changes are recorded under their name. */
export interface OperatorCaller {
  readonly kind: "operator";
  readonly name: string;
  /** The tenant that this call acts in; without one the default tenant. */
  readonly tenant_id?: string;
}

/** Who administers the accounts of a tenant: a user with the permissions of their roles, or an operator, who needs none. */
export interface Administrator {
  /** Null for an operator, who has no account. */
  readonly user_id: string | null;
  /** Null for an operator, who belongs to no tenant. */
  readonly home_tenant_id: string | null;
  readonly tenant_id: string;
}

/**
 * The signed-in user of an action that only users may call. The access check has already rejected other callers, with the
 * same codes: `token_missing` for anonymous ones, `forbidden` for services and operators.
 */
export function requireUser(caller: Caller): UserCaller {
  if (caller.kind === "user") return caller;
  throw new AppError(caller.kind === "anonymous" ? "token_missing" : "forbidden");
}

/** The caller of an action that administrators may call. Throws like `requireUser` for other callers. */
export function requireAdministrator(caller: Caller): Administrator {
  if (caller.kind !== "operator") return requireUser(caller);
  return { user_id: null, home_tenant_id: null, tenant_id: caller.tenant_id ?? DEFAULT_TENANT_ID };
}

/** How an operator is named in events and in the activity log. */
export function operatorName({ name }: OperatorCaller): string {
  return `operator:${name}`;
}

/** Slug of the tenant that an anonymous request names; other callers use the default tenant. */
export function requestedTenant(caller: Caller): string {
  return caller.kind === "anonymous" ? caller.tenant : DEFAULT_TENANT;
}

/** Fields of an event: the user or the operator who caused it, if one did, from which address, and the languages they read. */
export function originOf({ caller, client }: { readonly caller: Caller; readonly client: Client }) {
  return {
    ...(caller.kind === "user" && { actor_id: caller.user_id }),
    ...(caller.kind === "operator" && { actor: operatorName(caller) }),
    ...(client.ip !== "" && { ip: client.ip }),
    ...(client.languages && { languages: client.languages }),
  };
}

/** Where the request came from. `ip` is a forwarded address only if `TRUST_PROXY` allows it. */
export interface Client {
  readonly ip: string;
  readonly user_agent: string;
  /** Languages that the request accepts, the most wanted first: `["fr", "en"]`. */
  readonly languages?: readonly string[];
}

/** Sent with every call in addition to its params. JSON only, because it crosses the bus. */
export interface Meta {
  caller?: Caller;
  correlation_id?: string;
  client?: Client;
  /** How long the caller waits for the response, in milliseconds. */
  time_left_ms?: number;
  idempotency?: IdempotencyRequest;
  /** Entity tags of `If-Match`, for the action that the gateway calls. */
  if_match?: readonly string[];
  /** Set by the committing action if its result is the stored one of an earlier request. */
  idempotency_replayed?: boolean;
}

/** Makes a request take effect only once, however often it is repeated (IETF draft-ietf-httpapi-idempotency-key-header). */
export interface IdempotencyRequest {
  /** Name of the only action that uses the key: the one whose transaction commits the change. */
  readonly action: string;
  readonly key: string;
  /** Derived from tenant, caller (or address) and route. */
  readonly scope: string;
  /** HMAC of the body under each key of the ring, the active key first. */
  readonly body: ReadonlyArray<{ readonly kid: string; readonly mac: string }>;
}

/** The tenant that every installation has. Only its system roles may hold `platform:*`. */
export const DEFAULT_TENANT_ID = "00000000-0000-7000-8000-000000000001";
export const DEFAULT_TENANT = "default";
