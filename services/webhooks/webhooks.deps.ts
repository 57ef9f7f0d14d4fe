import type { Config } from "../../lib/config/config.ts";
import type { KeyRing } from "../../lib/crypto/key-ring.ts";
import type { Clock, Random } from "../../lib/runtime/clock.ts";
import type { Database } from "../../mixins/database/database.mixin.ts";
import type { Outbox } from "../../mixins/outbox/outbox.mixin.ts";

export interface WebhooksDeps {
  readonly db: Database;
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly random: Random;
  readonly ring: KeyRing;
  readonly settings: Config["webhooks"];
}
