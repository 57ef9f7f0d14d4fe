import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import type { Config } from "../../../lib/config/config.ts";
import type { KeyRing } from "../../../lib/crypto/key-ring.ts";
import type { NearCache } from "../../../lib/revocation/near-cache.ts";
import type { Clock, Random } from "../../../lib/runtime/clock.ts";
import type { Database } from "../../../mixins/database/database.mixin.ts";
import type { ServiceCaches } from "../../../mixins/near-cache.mixin.ts";
import type { Outbox } from "../../../mixins/outbox/outbox.mixin.ts";
import type { Counts } from "../directory/counts.ts";
import type { AvatarStore } from "../profile/avatar-store.ts";
import type { ProfileRow } from "../users.entities.ts";
import type { UserView } from "./user-view.ts";
import type { LastLogin } from "./users.repo.ts";

/** Dependencies of the use cases. Each use case names the part that it needs. */
export interface UsersDeps {
  readonly db: Database;
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly random: Random;
  readonly ring: KeyRing;
  readonly counts: Counts;
  /** Limits of what tenants may set. */
  readonly bounds: Config["auth"];
  readonly avatars: AvatarStore;
  /** Public base URL, for the addresses of avatars. */
  readonly publicUrl: string;
  /** Opens the transactions that write accounts and profiles. */
  readonly caches: Pick<ServiceCaches, "invalidating" | "invalidatingLater" | "invalidate">;
  readonly accounts: NearCache<CachedAccount>;
  /** At most a minute old: sign-ins are frequent and must not invalidate the account. */
  readonly lastLogins: NearCache<LastLogin>;
  readonly visibilities: NearCache<Actions["users.visibility"]["result"]>;
  /** Rows as they are stored, so that sealed fields stay sealed in memory. */
  readonly profiles: NearCache<ProfileRow>;
}

export type CachedAccount = Omit<UserView, "last_login_at">;

/** The call that causes an event. */
export type Cause = Pick<ActionContext, "caller" | "client" | "correlationId">;
