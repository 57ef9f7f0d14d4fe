import * as z from "zod";
import { action, asAnyone, asUser } from "../../../lib/actions/contract.ts";
import * as field from "../../../lib/actions/schemas.ts";
import { LoginResult } from "./login-result.contract.ts";

/** The identity is linked to the account of the session that started the link. */
const LinkResult = z
  .strictObject({ status: z.literal("linked"), provider: z.string(), email: z.string().nullable() })
  .meta({ id: "LinkResult" });

/** How an authorization request ends. */
const OAuthOutcome = z.discriminatedUnion("status", [LoginResult, LinkResult]).meta({ id: "OAuthOutcome" });

const ProviderName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,31}$/)
  .meta({ example: "google" });
/** Must be equal to one of OAUTH_RETURN_URLS. */
const ReturnTo = z.string().max(2_000).optional();
/** Value of the browser's OAuth cookie. Set and read by the gateway, never a field of a client's request. */
const BrowserBinding = z.string().max(100).optional();
const OAuthText = z.string().max(4_096).optional();
/** The former session of a browser that signs in again. Read from its cookie by the gateway. */
export const ReplacedRefreshToken = z.string().max(200).optional();

/** The parameters that a provider returns to our callback. */
const callbackFields = {
  state: OAuthText,
  code: OAuthText,
  iss: OAuthText,
  error: OAuthText,
  user: OAuthText.meta({ description: "JSON with the person's name, as Apple sends it at the first sign-in." }),
};

/** A provider that is down makes these fail, and must not keep people from signing in with the others. */
const dependsOnProvider = { circuitBreaker: false } as const;

/** Part of the contract of auth. */
export const oauthActions = {
  /** The provider's URL to sign in at. 404 for an unknown provider, 503 if it does not respond. */
  oauthStart: action({
    params: z
      .strictObject({
        provider: ProviderName,
        tenant: field.TenantSlug.optional(),
        return_to: ReturnTo,
        /** The callback sets the session cookies of this browser; there is no code to exchange. */
        use_cookies: z.enum(["true", "false"]).optional(),
        state: z
          .string()
          .regex(/^[\x20-\x7E]{1,500}$/)
          .optional()
          .meta({
            description: "Returned unchanged with `code` or `error`, so that a client recognizes its own sign-in.",
          }),
        code_challenge: z
          .string()
          .regex(/^[\w-]{43}$/)
          .optional()
          .meta({
            description:
              "PKCE (RFC 7636) of the client. Required unless the browser that visits the provider also exchanges the code, with its cookie.",
          }),
        code_challenge_method: z.literal("S256").optional().meta({ description: "Required with `code_challenge`." }),
        step_up: z.enum(["true", "false"]).optional().meta({
          description:
            "Makes the provider authenticate the person again (`max_age=0`, `prompt=login`), for actions that require a recent sign-in. If the provider does not report when it did (`auth_time`), the session does not count as recent.",
        }),
        browser_binding: BrowserBinding,
      })
      .refine((query) => (query.code_challenge === undefined) === (query.code_challenge_method === undefined), {
        error: "must be S256, together with code_challenge",
        path: ["code_challenge_method"],
      }),
    result: z.strictObject({ location: z.string(), browser_binding: z.string() }),
    access: asAnyone,
    timeout: 9_000,
    ...dependsOnProvider,
  }),
  /**
   * 400 `oauth_state_invalid`, `oauth_failed`; 409 `email_taken`, `identity_taken`; 403 `account_disabled`,
   * `email_not_verified`. With a `return_to`, all of them but `oauth_state_invalid` redirect to it with the parameter `error`.
   */
  oauthCallback: action({
    params: z.strictObject({
      provider: ProviderName,
      ...callbackFields,
      browser_binding: BrowserBinding,
      replaced_refresh_token: ReplacedRefreshToken,
    }),
    result: z.strictObject({
      location: z.string().nullable(),
      outcome: OAuthOutcome.nullable(),
      /** The gateway sets the tokens as cookies. */
      use_cookies: z.boolean(),
    }),
    access: asAnyone,
    timeout: 9_500,
    ...dependsOnProvider,
  }),
  /**
   * The callback of the response mode `form_post` (OAuth 2.0 Form Post Response Mode). Browsers send no `SameSite=Lax`
   * cookies with another site's POST, so the browser is sent on to the callback with GET, where they come along. Fields
   * that we do not know are ignored.
   */
  oauthFormPost: action({
    params: z.object({ provider: ProviderName, ...callbackFields }),
    result: z.strictObject({ location: z.string() }),
    access: asAnyone,
  }),
  /**
   * 400 `oauth_code_invalid`. The code of a link is valid only in the session that started the link; the code of a sign-in
   * only with the verifier of its `code_challenge`, or without one, and always with `use_cookies`, in the browser that
   * signed in. A second use ends the session of the first.
   */
  oauthExchange: action({
    params: z.strictObject({
      code: z.string().min(1).max(100),
      code_verifier: z
        .string()
        .regex(/^[\w.~-]{43,128}$/)
        .optional()
        .meta({ description: "Verifier of the `code_challenge` that the sign-in was started with (RFC 7636)." }),
      device_name: field.Text[100].optional(),
      use_cookies: z.boolean().optional(),
      browser_binding: BrowserBinding,
      replaced_refresh_token: ReplacedRefreshToken,
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
  /** Adds a way to sign in, so it requires a recent authentication, like a password change. */
  linkIdentity: action({
    params: z.strictObject({ provider: ProviderName, return_to: ReturnTo, browser_binding: BrowserBinding }),
    result: z.strictObject({ authorize_url: z.string(), browser_binding: z.string() }),
    access: { callers: ["user"], fresh: 300 },
    timeout: 9_000,
    ...dependsOnProvider,
  }),
  /** 404 if it is not linked, 409 `last_sign_in_method`. */
  unlinkIdentity: action({
    params: z.strictObject({ provider: ProviderName }),
    result: field.Empty,
    access: asUser,
  }),
  /** Linked accounts by provider, up to a minute old. */
  identityCounts: action({
    params: field.Empty,
    result: z.record(z.string(), z.int()),
    access: { callers: ["service", "operator"] },
    idempotent: true,
  }),
};
