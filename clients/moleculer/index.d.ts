import type { BrokerOptions, ServiceBroker, ServiceSchema } from "moleculer";
import type { NatsConnection } from "nats";

export interface User {
  readonly id: string;
  readonly tenant_id: string;
  readonly email: string;
  readonly pending_email: string | null;
  readonly username: string | null;
  readonly external_id: string | null;
  readonly full_name: string | null;
  readonly current_title: string | null;
  readonly company: string | null;
  readonly location: string | null;
  readonly bio: string | null;
  readonly avatar_url: string | null;
  readonly has_push_token: boolean;
  readonly is_active: boolean;
  readonly is_verified: boolean;
  readonly roles: readonly string[];
  readonly subscription: {
    readonly tier: "basic" | "premium";
    readonly plan: string | null;
    readonly expires_at: string | null;
  };
  readonly created_at: string;
  readonly updated_at: string;
  readonly last_login_at: string | null;
  readonly deleted_at: string | null;
}

/** The actions for services of other teams. `SERVICE_PERMISSIONS` on the nodes of Usermesh grants the permissions. */
export interface PeerActions {
  /** `users:read`. Null for an unknown or erased account. */
  "users.get": { params: { id: string }; result: User | null };
  /** `users:validate`. Up to 1,000 ids; the result contains those that exist. */
  "users.validate": {
    params: { ids: string[] };
    result: ReadonlyArray<{ readonly id: string; readonly is_active: boolean; readonly is_verified: boolean }>;
  };
  /** `push:send`. Retry with the same `id`: the push is sent once. */
  "mail.push": {
    params: { id: string; user_id: string; title: string; body: string; data?: Record<string, string> };
    result: { readonly id: string };
  };
}

export interface CallOptions {
  /** Milliseconds. Default: `requestTimeout` of the broker. */
  readonly timeout?: number;
  /** Appears in the log of every node that takes part. */
  readonly correlationId?: string;
}

/** A call that failed. An action of yours may throw one: it reaches its caller with its fields. */
export class UsermeshError extends Error {
  constructor(
    code: string,
    status: number,
    message: string,
    details?: {
      readonly errors?: UsermeshError["errors"];
      readonly retryAfter?: number | null;
      readonly cause?: unknown;
    },
  );
  /** Such as `forbidden`, `validation_failed` or `service_unavailable`. */
  readonly code: string;
  /** The status with which the HTTP API answers this code. */
  readonly status: number;
  /** The invalid fields, with `validation_failed`. */
  readonly errors: ReadonlyArray<{ readonly field: string; readonly code: string; readonly message: string }>;
  /** Seconds, or null if a retry is pointless. */
  readonly retryAfter: number | null;
}

/** The fields of all events. docs/integration.md lists those of each type. */
export interface UsermeshEvent {
  readonly event_id: string;
  readonly event_type: string;
  readonly source: string;
  /** Counts the events of this user and this source, from 1. */
  readonly version: number;
  readonly schema_version: 1;
  readonly user_id: string;
  readonly tenant_id: string;
  readonly timestamp: string;
  readonly correlation_id: string;
  readonly email?: string;
  readonly name?: string | null;
  /** The event describes an account after the stream was recreated. No user action caused it. */
  readonly snapshot?: true;
  readonly imported?: true;
  readonly updated_fields?: readonly string[];
  readonly actor_id?: string;
  readonly [field: string]: unknown;
}

export interface ConsumeOptions {
  /** Default: `USERS`. */
  readonly stream?: "USERS" | "SESSIONS";
  /** Name of the durable consumer, whose events all processes share. Default: `<name>-users` or `<name>-sessions`. */
  readonly durable?: string;
  /**
   * Runs at least once for each event; use `handleOnce` for effects that must happen once. If it rejects, it is tried again
   * after half a second, then after twice as long, up to a minute; the user's later events wait. After a crash an event can
   * come after a later one of the same user, so a copy of users compares `version`.
   */
  readonly handle: (event: UsermeshEvent) => Promise<void>;
  /** `event` is null if reading the stream failed, which is then tried again. Default: `process.emitWarning`. */
  readonly onError?: (error: Error, event: UsermeshEvent | null) => void;
}

export interface Peer {
  readonly broker: ServiceBroker;
  readonly connection: NatsConnection;
  /** Rejects with a `UsermeshError`. */
  call<A extends keyof PeerActions>(
    action: A,
    params: PeerActions[A]["params"],
    options?: CallOptions,
  ): Promise<PeerActions[A]["result"]>;
  consume(options: ConsumeOptions): Promise<{ stop(): Promise<void> }>;
  /** Waits for the events that are being handled, then leaves the mesh. Call it on SIGTERM. Works while NATS is unavailable. */
  stop(): Promise<void>;
}

export interface MeshOptions {
  /** The name of your service, to which `SERVICE_PERMISSIONS` grants permissions. */
  readonly name: string;
  /** Default: the environment variable `NATS_URL`. */
  readonly natsUrl?: string | undefined;
  /** Moleculer services that this process offers. */
  readonly services?: readonly ServiceSchema[];
  /** Services that must be available before `joinMesh` resolves. Default: `["users"]`. */
  readonly waitFor?: readonly string[];
  readonly timeoutMs?: number;
  /** More options of the broker, such as `logger`. */
  readonly broker?: BrokerOptions;
}

export function joinMesh(options: MeshOptions): Promise<Peer>;

/** The part of `pg`'s pool that is used. */
export interface PgPool<Client extends PgClient> {
  connect(): Promise<Client>;
}
export interface PgClient {
  query(sql: string, values?: unknown[]): Promise<{ rowCount: number | null }>;
  release(error?: Error): void;
  on(event: "error", listener: () => void): unknown;
  off(event: "error", listener: () => void): unknown;
}

export const inboxTable: string;
export function handleOnce<Client extends PgClient>(
  pool: PgPool<Client>,
  event: UsermeshEvent,
  effect: (client: Client) => Promise<void>,
): Promise<void>;
