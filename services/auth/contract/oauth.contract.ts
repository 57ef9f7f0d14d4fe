import * as z from "zod";
import { action, asAnyone, asUser } from "../../../lib/actions/contract.ts";
import * as field from "../../../lib/actions/schemas.ts";
import { LoginResult } from "./login-result.contract.ts";

/** A provider is linked with the account of the session that asked for it. */
const Linked = z
  .strictObject({ status: z.literal("linked"), provider: z.string(), email: z.string().nullable() })
  .meta({ id: "Linked" });

/** What comes of the way through a provider. */
const OAuthOutcome = z.discriminatedUnion("status", [LoginResult, Linked]).meta({ id: "OAuthOutcome" });

const ProviderName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,31}$/)
  .meta({ example: "google" });
/** One of OAUTH_RETURN_URLS, letter by letter. */
const ReturnTo = z.string().max(2_000).optional();
/** The browser's cookie for its way through a provider: the gateway's to set and to send, never a client's field. */
const Browser = z.string().max(100).optional();
const OAuthText = z.string().max(4_096).optional();

/** Part of the contract of auth. */
export const oauthActions = {
  /** The provider's address for a sign-in. 404 for an unknown provider, 503 where it does not answer. */
  oauthStart: action({
    params: z.strictObject({
      provider: ProviderName,
      tenant: field.TenantSlug.optional(),
      return_to: ReturnTo,
      /** The way ends with the session in cookies of this browser, and no code. */
      use_cookies: z.enum(["true", "false"]).optional(),
      browser: Browser,
    }),
    result: z.strictObject({ location: z.string(), browser: z.string() }),
    access: asAnyone,
    timeout: 9_000,
  }),
  /**
   * 400 `oauth_state_invalid`, `oauth_failed`; 409 `email_taken`, `identity_taken`; 403 `account_disabled`,
   * `email_not_verified`. With a `return_to` all but the first are told there, as `error`.
   */
  oauthCallback: action({
    params: z.strictObject({
      provider: ProviderName,
      state: OAuthText,
      code: OAuthText,
      iss: OAuthText,
      error: OAuthText,
      browser: Browser,
    }),
    result: z.strictObject({
      location: z.string().nullable(),
      outcome: OAuthOutcome.nullable(),
      /** The gateway puts the tokens into cookies. */
      use_cookies: z.boolean(),
    }),
    access: asAnyone,
    timeout: 9_500,
  }),
  /**
   * 400 `oauth_code_invalid`. A link's code is good in the session that began the link alone, and for cookies a sign-in's
   * in the browser that signed in.
   */
  oauthExchange: action({
    params: z.strictObject({
      code: z.string().min(1).max(100),
      device_name: field.Text[100].optional(),
      use_cookies: z.boolean().optional(),
      browser: Browser,
    }),
    result: OAuthOutcome,
    access: asAnyone,
    timeout: 9_000,
  }),
  identities: action({
    params: field.Empty,
    result: z.array(z.strictObject({ provider: z.string(), email: z.string().nullable(), linked_at: field.Timestamp })),
    access: asUser,
    idempotent: true,
  }),
  /** A new way in: like a changed password it takes a sign-in that is fresh. */
  linkIdentity: action({
    params: z.strictObject({ provider: ProviderName, return_to: ReturnTo, browser: Browser }),
    result: z.strictObject({ authorize_url: z.string(), browser: z.string() }),
    access: { callers: ["user"], fresh: 300 },
    timeout: 9_000,
  }),
  /** 404 where it is not linked, 409 `last_sign_in_method`. */
  unlinkIdentity: action({
    params: z.strictObject({ provider: ProviderName }),
    result: field.Empty,
    access: asUser,
  }),
  /** Linked accounts by provider, a minute old. */
  identityCounts: action({
    params: field.Empty,
    result: z.record(z.string(), z.int()),
    access: { callers: ["service", "operator"] },
    idempotent: true,
  }),
};
