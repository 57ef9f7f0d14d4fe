import type { MailedTokenPurpose } from "../../lib/contracts/mailed-token.contract.ts";
import {
  bigint,
  boolean,
  defineEntity,
  int,
  jsonb,
  nullable,
  primary,
  text,
  textOf,
  timestamp,
  uuid,
} from "../../lib/database/entity.ts";

export const Credentials = defineEntity("auth", "credentials", {
  id: primary(uuid),
  user_id: uuid,
  kind: textOf<"password" | "totp" | "passkey">(),
  secret: text,
  /** Key of the key ring that the secret is sealed under. */
  kid: text,
  /** The account is known to exist: the sweep of orphaned credentials need not ask. */
  confirmed: boolean,
  created_at: timestamp,
  changed_at: timestamp,
});

export const Identities = defineEntity("auth", "identities", {
  tenant_id: primary(uuid),
  issuer: primary(text),
  sub: primary(text),
  user_id: uuid,
  created_at: timestamp,
  /** As the provider reported it when the identity was linked, so that the owner recognizes it. */
  email: nullable(text),
  /** URL of the provider's picture, if the account was created through this identity; null once it was stored or given up. */
  picture_url: nullable(text),
});

export const OneTimeTokens = defineEntity("auth", "one_time_tokens", {
  id: primary(uuid),
  seq: bigint,
  purpose: textOf<MailedTokenPurpose>(),
  user_id: nullable(uuid),
  tenant_id: uuid,
  email_key_hash: text,
  epoch: nullable(int),
  kid: text,
  event_id: uuid,
  payload: nullable(jsonb<unknown>()),
  requested_at: timestamp,
  derived_at: nullable(timestamp),
  first_sent_at: nullable(timestamp),
  spent_at: nullable(timestamp),
});

export const LoginAttempts = defineEntity("auth", "login_attempts", {
  key: primary(text),
  account: text,
  user_id: nullable(uuid),
  failed: int,
  pending: int,
  throttled_until: nullable(timestamp),
  at: timestamp,
});

export const SigningKeys = defineEntity("auth", "signing_keys", {
  kid: primary(text),
  alg: textOf<"ES256" | "RS256" | "EdDSA">(),
  /** Consecutive number of the key. It is unique: if several nodes create the next key at once, one succeeds. */
  period: int,
  private_jwk: text,
  sealed_under: text,
  public_jwk: jsonb<unknown>(),
  publish_from: timestamp,
  sign_from: timestamp,
  sign_until: timestamp,
  verify_until: timestamp,
});

export const OAuthStates = defineEntity("auth", "oauth_states", {
  hash: primary(text),
  kid: text,
  provider: text,
  /** Slug. */
  tenant: text,
  browser_hash: text,
  return_to: nullable(text),
  user_id: nullable(uuid),
  tenant_id: nullable(uuid),
  session_id: nullable(uuid),
  epoch: nullable(int),
  address_hash: text,
  created_at: timestamp,
  spent_at: nullable(timestamp),
  use_cookies: boolean,
  /** The client's own state, which is returned with the code. */
  client_state: nullable(text),
  /** PKCE of the client, for the one-time code. */
  code_challenge: nullable(text),
});

export const OAuthCodes = defineEntity("auth", "oauth_codes", {
  hash: primary(text),
  user_id: uuid,
  tenant_id: uuid,
  epoch: int,
  session_id: nullable(uuid),
  issuer: nullable(text),
  sub: nullable(text),
  email: nullable(text),
  created_at: timestamp,
  browser_hash: nullable(text),
  code_challenge: nullable(text),
  /** Seconds, as the provider reports it; 0 if it does not. */
  auth_time: int,
  /** The session that the code was exchanged for. Null for an unspent code. */
  spent_for: nullable(uuid),
  replayed: boolean,
});

export const authEntities = [
  Credentials,
  Identities,
  OneTimeTokens,
  LoginAttempts,
  SigningKeys,
  OAuthStates,
  OAuthCodes,
] as const;
