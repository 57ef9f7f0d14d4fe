import type { Platform } from "../../lib/runtime/platform.ts";
import type { Database } from "../../mixins/database.mixin.ts";
import type { Outbox } from "../../mixins/outbox.mixin.ts";
import type { SmtpTransport } from "./messages/smtp-transport.ts";
import type { PushService } from "./push/push-service.ts";

export interface MailDeps extends Pick<Platform, "config" | "clock" | "timers"> {
  readonly db: Database;
  readonly outbox: Outbox;
  readonly transport: SmtpTransport;
  readonly pushService: PushService;
}
