import type { Platform } from "../../lib/runtime/platform.ts";
import type { Database } from "../../mixins/database/database.mixin.ts";
import type { Outbox } from "../../mixins/outbox/outbox.mixin.ts";
import type { OAuthProviders } from "./oauth/oauth-providers.ts";
import type { BreachedPasswords } from "./password/breached-passwords.ts";
import type { FailureTime } from "./password/failure-time.ts";
import type { HashAdmission } from "./password/hash-admission.ts";
import type { HashUpgrade } from "./password/hash-upgrade.ts";
import type { PasswordHashing } from "./password/password-hashing.ts";
import type { SecurityEvents } from "./sign-in/security-events.ts";
import type { SigningKeys } from "./signing/signing-keys.ts";

/** Dependencies of the use cases; each takes the part that it needs. */
export interface AuthDeps extends Pick<Platform, "config" | "clock" | "random" | "timers" | "ring" | "log"> {
  readonly db: Database;
  readonly outbox: Outbox;
  readonly hashAdmission: HashAdmission;
  readonly passwords: PasswordHashing;
  readonly hashUpgrade: HashUpgrade;
  readonly failureTime: FailureTime;
  readonly commonPasswords: ReadonlySet<string>;
  readonly breachedPasswords: BreachedPasswords;
  readonly signingKeys: SigningKeys;
  readonly oauth: OAuthProviders;
  readonly securityEvents: SecurityEvents;
}
