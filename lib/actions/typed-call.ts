import type { Context, ServiceBroker, ServiceSchema } from "moleculer";
import { adminContract } from "../../services/admin/admin.contract.ts";
import { authContract } from "../../services/auth/auth.contract.ts";
import { apiContract } from "../../services/gateway/api.contract.ts";
import { gatewayContract } from "../../services/gateway/gateway.contract.ts";
import { mailContract } from "../../services/mail/mail.contract.ts";
import { preferencesContract } from "../../services/preferences/preferences.contract.ts";
import { sessionsContract } from "../../services/sessions/sessions.contract.ts";
import { usersContract } from "../../services/users/users.contract.ts";
import { webhooksContract } from "../../services/webhooks/webhooks.contract.ts";
import { systemClock } from "../runtime/clock.ts";
import type { Caller, Client, IdempotencyRequest, Meta } from "./caller.ts";
import type { ActionDef, ActionTypes, Contract, ParamsOf, ResultOf } from "./contract.ts";
import { describeParams } from "./describe-params.ts";
import { AppError } from "./errors.ts";

/** How long the bus waits for a response, unless the contract of the action says otherwise. */
export const REQUEST_TIMEOUT_MS = 5_000;

/** All contracts of the mesh. They make a call with a wrong name or wrong params a compile error. */
export const contracts = [
  adminContract,
  apiContract,
  authContract,
  gatewayContract,
  mailContract,
  preferencesContract,
  sessionsContract,
  usersContract,
  webhooksContract,
] as const satisfies readonly Contract[];

export type Actions = ActionTypes<typeof adminContract> &
  ActionTypes<typeof apiContract> &
  ActionTypes<typeof authContract> &
  ActionTypes<typeof gatewayContract> &
  ActionTypes<typeof mailContract> &
  ActionTypes<typeof preferencesContract> &
  ActionTypes<typeof sessionsContract> &
  ActionTypes<typeof usersContract> &
  ActionTypes<typeof webhooksContract>;
export type ActionName = keyof Actions;

const definitions: ReadonlyMap<string, ActionDef> = new Map(
  contracts.flatMap((one: Contract) =>
    Object.entries(one.actions).map(([name, def]) => [`${one.name}.${name}`, def] as const),
  ),
);

/** Names of the services that implement an action shared by several, such as `export` or `erase`. */
export function servicesWith(action: string): ReadonlyArray<(typeof contracts)[number]["name"]> {
  return contracts.filter(({ actions }) => action in actions).map(({ name }) => name);
}

export function definitionOf(name: string): ActionDef | undefined {
  return definitions.get(name);
}

export interface CallOptions {
  /** Calls this node and no other. */
  readonly nodeId?: string;
  /** Milliseconds. */
  readonly timeout?: number;
  /** For what must happen even if the request has timed out, such as a confirmation after the commit. */
  readonly outlivesRequest?: true;
}

/** A call to another service, made as the calling service. Rejects with an `AppError`, or a bus error if no node responds. */
export type Call = <K extends ActionName>(
  name: K,
  params: Actions[K]["params"],
  options?: CallOptions,
) => Promise<Actions[K]["result"]>;

/** The call as an action handler sees it. */
export interface ActionContext<P = unknown> {
  readonly params: P;
  readonly caller: Caller;
  readonly client: Client;
  readonly correlationId: string;
  /** When the caller stops waiting, by the monotonic clock of this node. Work that would end later must not begin. */
  readonly deadline: number;
  /** Set only if this action is the commit point of a request with an idempotency key. */
  readonly idempotency?: IdempotencyRequest;
  /** The versions of the resource that the client has read, from `If-Match`: see preconditions.ts. */
  readonly ifMatch?: readonly string[];
  /** Tells the gateway that the result is the stored one of an earlier request. */
  markReplayed(): void;
  readonly call: Call;
}

export type Handlers<C extends Contract> = {
  readonly [K in keyof C["actions"]]: (ctx: ActionContext<ParamsOf<C, K>>) => Promise<ResultOf<C, K>>;
};

/** Moleculer actions for a contract. A missing handler, or one with another result, does not compile. */
export function implement<C extends Contract>(
  contract: C,
  handlers: Handlers<C>,
): NonNullable<ServiceSchema["actions"]> {
  const entries = Object.entries(contract.actions).map(([name, def]) => {
    const handler = handlers[name] as (ctx: ActionContext) => Promise<unknown>;
    const fullName = `${contract.name}.${name}`;
    return [
      name,
      {
        params: describeParams(def.params),
        ...(def.circuitBreaker === false && { circuitBreaker: { enabled: false } }),
        ...(def.timeout !== undefined && { timeout: def.timeout }),
        ...(def.idempotent && def.circuitBreaker !== false && { retryPolicy: { enabled: true } }),
        handler: (ctx: Context<unknown, Meta>) => handler(actionContext(ctx, contract.name, fullName)),
      },
    ];
  });
  return Object.fromEntries(entries) as NonNullable<ServiceSchema["actions"]>;
}

function actionContext(ctx: Context<unknown, Meta>, service: string, action: string): ActionContext {
  const meta = ctx.meta;
  const owns = meta.idempotency?.action === action;
  const correlationId = meta.correlation_id ?? ctx.requestID ?? ctx.id;
  const deadline = deadlineOf(meta);
  return {
    params: ctx.params,
    caller: meta.caller ?? { kind: "anonymous", tenant: "default" },
    client: meta.client ?? { ip: "", user_agent: "" },
    correlationId,
    deadline,
    ...(owns && meta.idempotency && { idempotency: meta.idempotency }),
    ...(meta.if_match && { ifMatch: meta.if_match }),
    markReplayed: () => {
      meta.idempotency_replayed = true;
    },
    call: callAs(ctx.broker, { service, parent: ctx, dropKey: owns, deadline }),
  };
}

interface CallParent {
  readonly service: string;
  readonly parent: Context<unknown, Meta>;
  readonly dropKey: boolean;
  readonly deadline: number;
}

/** The time left crosses the bus as a duration, because the clocks of two machines differ. */
function deadlineOf({ time_left_ms }: Meta): number {
  return time_left_ms === undefined ? Number.POSITIVE_INFINITY : systemClock.monotonic() + time_left_ms;
}

/** No call lasts longer than its caller's caller waits; one that nobody waits for any more is not made. */
function timeoutOf(name: string, { timeout, outlivesRequest }: CallOptions, deadline: number): number {
  const own = timeout ?? definitionOf(name)?.timeout ?? REQUEST_TIMEOUT_MS;
  if (outlivesRequest) return own;
  const left = Math.ceil(deadline - systemClock.monotonic());
  if (left <= 0) throw new AppError("overloaded", { retry_after: 1, cause: new Error(`Too late to call ${name}`) });
  return Math.min(own, left);
}

/**
 * Calls made by a service carry the service as their caller, and the correlation id, client and idempotency key of the
 * call that caused them. `ctx.call` would write the callee's meta, including its caller, back into ours.
 */
function callAs(broker: ServiceBroker, { service, parent, dropKey, deadline }: CallParent): Call {
  return async (name, params, options = {}) => {
    const { idempotency, idempotency_replayed: _, time_left_ms: __, if_match: ___, ...inherited } = parent.meta;
    const timeout = timeoutOf(name, options, deadline);
    const meta: Meta = {
      ...inherited,
      caller: { kind: "service", name: service },
      time_left_ms: timeout,
      ...(idempotency && !dropKey && { idempotency }),
    };
    const promise = broker.call(name, params, { ...nodeOption(options), timeout, meta, ...requestId(parent) });
    try {
      return (await promise) as Actions[typeof name]["result"];
    } finally {
      // A stored error counts as a stored result too.
      const replayed = (promise as { ctx?: Context<unknown, Meta> }).ctx?.meta.idempotency_replayed;
      if (replayed) parent.meta.idempotency_replayed = true;
    }
  };
}

function requestId(parent: Context<unknown, Meta>): { requestID?: string } {
  return parent.requestID === undefined || parent.requestID === null ? {} : { requestID: parent.requestID };
}

/** Calls that belong to no request: those of workers, relays, schedulers and event handlers. */
export function callAsService(broker: ServiceBroker, service: string, correlationId: string): Call {
  return async (name, params, options = {}) => {
    const meta: Meta = { caller: { kind: "service", name: service }, correlation_id: correlationId };
    return (await broker.call(name, params, {
      ...nodeOption(options),
      timeout: timeoutOf(name, options, Number.POSITIVE_INFINITY),
      meta,
      requestID: correlationId,
    })) as Actions[typeof name]["result"];
  };
}

function nodeOption({ nodeId }: CallOptions): { nodeID?: string } {
  return nodeId === undefined ? {} : { nodeID: nodeId };
}
