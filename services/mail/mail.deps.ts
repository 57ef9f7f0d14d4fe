import type { Platform } from "../../lib/runtime/platform.ts";
import type { Database } from "../../mixins/database/database.mixin.ts";
import type { Outbox } from "../../mixins/outbox/outbox.mixin.ts";
import type { MailBrand } from "./messages/brand.ts";
import type { SmtpTransport } from "./messages/smtp-transport.ts";
import type { MailTemplates } from "./messages/templates.ts";
import type { PushService } from "./push/push-service.ts";

export interface MailDeps extends Pick<Platform, "config" | "clock" | "timers"> {
  readonly db: Database;
  readonly outbox: Outbox;
  readonly transport: SmtpTransport;
  readonly templates: MailTemplates;
  readonly brand: MailBrand;
  readonly pushService: PushService;
}
