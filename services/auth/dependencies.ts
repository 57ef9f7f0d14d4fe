import type { Platform } from "../../lib/runtime/platform.ts";
import type { Database } from "../../mixins/database.mixin.ts";
import type { Outbox } from "../../mixins/outbox.mixin.ts";
import type { IdentityCounts } from "./oauth/linked-identities.ts";
import type { OAuthProviders } from "./oauth/oauth-providers.ts";
import type { BreachedPasswords } from "./password/breached-passwords.ts";
import type { PasswordHashing } from "./password/password-hashing.ts";
import type { PasswordRules } from "./password/password-policy.ts";
import type { SigningKeys } from "./signing/signing-keys.ts";

/** What auth's use cases are made of; each takes the part of it that it needs. */
export interface AuthDeps extends Pick<Platform, "config" | "clock" | "random" | "timers" | "ring" | "log"> {
  readonly db: Database;
  readonly outbox: Outbox;
  readonly passwords: PasswordHashing;
  readonly rules: PasswordRules;
  readonly breached: BreachedPasswords;
  readonly signingKeys: SigningKeys;
  readonly oauth: OAuthProviders;
  readonly identityCounts: IdentityCounts;
}
