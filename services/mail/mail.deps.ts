import type { Platform } from "../../lib/runtime/platform.ts";
import type { Database } from "../../mixins/database.mixin.ts";
import type { Outbox } from "../../mixins/outbox.mixin.ts";
import type { PushService } from "./push-service.ts";
import type { Transport } from "./transport.ts";

export interface MailDeps extends Pick<Platform, "config" | "clock" | "timers"> {
  readonly db: Database;
  readonly outbox: Outbox;
  readonly transport: Transport;
  readonly pushService: PushService;
}
