import type { ParamsOf } from "../../lib/actions/contract.ts";
import type { ActionContext } from "../../lib/actions/typed-call.ts";
import type { Platform } from "../../lib/runtime/platform.ts";
import type { Database } from "../../mixins/database.mixin.ts";
import type { Outbox } from "../../mixins/outbox.mixin.ts";
import type { TenantLimits } from "./session/tenant-limits.ts";
import type { sessionsContract } from "./sessions.contract.ts";

/** What the use cases of this service stand on; each takes the part that it needs. */
export interface SessionsDeps {
  readonly platform: Platform;
  readonly db: Database;
  /** Leases and their holders: never behind other work. */
  readonly leaseDb: Database;
  readonly outbox: Outbox;
  readonly limits: TenantLimits;
}

type Contract = typeof sessionsContract;
export type Ctx<K extends keyof Contract["actions"]> = ActionContext<ParamsOf<Contract, K>>;
