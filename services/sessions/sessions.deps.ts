import type { ParamsOf } from "../../lib/actions/contract.ts";
import type { ActionContext } from "../../lib/actions/typed-call.ts";
import type { Platform } from "../../lib/runtime/platform.ts";
import type { Database } from "../../mixins/database/database.mixin.ts";
import type { Outbox } from "../../mixins/outbox/outbox.mixin.ts";
import type { LifetimesOf } from "./session/session-lifetimes.ts";
import type { FindOwner } from "./session/token-owners.ts";
import type { sessionsContract } from "./sessions.contract.ts";

/** Dependencies of the use cases; each takes the part that it needs. */
export interface SessionsDeps {
  readonly platform: Platform;
  readonly db: Database;
  /** A connection pool for leases alone: on a shared one, a burst of refreshes delayed the renewals until leases expired. */
  readonly leaseDb: Database;
  readonly outbox: Outbox;
  readonly lifetimesOf: LifetimesOf;
  readonly cachedOwner: FindOwner;
}

type Contract = typeof sessionsContract;
export type Ctx<K extends keyof Contract["actions"]> = ActionContext<ParamsOf<Contract, K>>;
