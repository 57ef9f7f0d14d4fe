import type * as z from "zod";
import type { Activity as ActivityShape, DayStatistics as DayStatisticsShape } from "../../../admin/admin.contract.ts";
import type {
  DeadLetter as DeadLetterShape,
  Keys as KeysShape,
  PlatformMetrics as PlatformMetricsShape,
  Queue as QueueShape,
  Step as StepShape,
  Traffic as TrafficShape,
} from "../../../admin/operations/operations.contract.ts";
import type { Preferences as PreferencesShape } from "../../../preferences/preferences.contract.ts";
import type { Session as SessionShape } from "../../../sessions/sessions.contract.ts";
import type { Role as RoleShape, Tenant as TenantShape } from "../../../users/contract/users-admin.contract.ts";
import type {
  ErasureEntry as ErasureEntryShape,
  Erasure as ErasureShape,
} from "../../../users/contract/users-erasure.contract.ts";
import type { Profile as ProfileShape, User as UserShape } from "../../../users/contract/users-shapes.contract.ts";
import type {
  WebhookDelivery as WebhookDeliveryShape,
  Webhook as WebhookShape,
  WebhookWithSecret as WebhookWithSecretShape,
} from "../../../webhooks/webhooks.contract.ts";

// What the API returns, from the contracts that validate it. Only types: nothing of a service runs in a browser.

export type User = z.output<typeof UserShape>;
export type Profile = z.output<typeof ProfileShape>;
export type Preferences = z.output<typeof PreferencesShape>;
export type Session = z.output<typeof SessionShape>;
export type Activity = z.output<typeof ActivityShape>;
export type Role = z.output<typeof RoleShape>;
export type DayStatistics = z.output<typeof DayStatisticsShape>;
export type PlatformMetrics = z.output<typeof PlatformMetricsShape>;
export type Queue = z.output<typeof QueueShape>;
export type DeadLetter = z.output<typeof DeadLetterShape>;
export type Traffic = z.output<typeof TrafficShape>;
export type Step = z.output<typeof StepShape>;
export type Keys = z.output<typeof KeysShape>;
export type Tenant = z.output<typeof TenantShape>;
export type ErasureEntry = z.output<typeof ErasureEntryShape>;
export type Erasure = z.output<typeof ErasureShape>;
export type Webhook = z.output<typeof WebhookShape>;
export type WebhookWithSecret = z.output<typeof WebhookWithSecretShape>;
export type WebhookDelivery = z.output<typeof WebhookDeliveryShape>;

export interface Identity {
  readonly provider: string;
  readonly email: string | null;
  readonly linked_at: string;
}
