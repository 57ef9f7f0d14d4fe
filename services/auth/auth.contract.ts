import * as z from "zod";
import { action, contract } from "../../lib/contract.ts";
import * as field from "../../lib/schemas.ts";
import { PreferencesChange } from "../preferences/preferences.contract.ts";
import { Session } from "../sessions/sessions.contract.ts";
import { erasing, exporting } from "../users/personal-data.contract.ts";
import { User } from "../users/users-shapes.contract.ts";
import { credentialActions } from "./auth-import.contract.ts";

/** `status` leaves room for a second factor: a client goes on only at `signed_in`. */
export const SignedIn = z
  .strictObject({
    status: z.literal("signed_in"),
    access_token: z.string(),
    refresh_token: z.string(),
    token_type: z.literal("Bearer"),
    /** Seconds. */
    expires_in: z.int(),
    refresh_expires_in: z.int(),
    session_id: field.Id,
    user: User,
  })
  .meta({ id: "SignedIn" });

/** A provider is linked with the account of the session that asked for it. */
const Linked = z
  .strictObject({ status: z.literal("linked"), provider: z.string(), email: z.string().nullable() })
  .meta({ id: "Linked" });

/** What comes of the way through a provider. */
const OAuthOutcome = z.discriminatedUnion("status", [SignedIn, Linked]).meta({ id: "OAuthOutcome" });

const ProviderName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,31}$/)
  .meta({ example: "google" });
/** One of OAUTH_RETURN_URLS, letter by letter. */
const ReturnTo = z.string().max(2_000).optional();
/** The browser's cookie for its way through a provider: the gateway's to set and to send, never a client's field. */
const Browser = z.string().max(100).optional();
const OAuthText = z.string().max(4_096).optional();

const Refreshed = SignedIn.omit({ status: true, user: true }).meta({ id: "Refreshed" });

const passwordsAgree = (body: { readonly confirm_password?: string | undefined }, password: string): boolean =>
  body.confirm_password === undefined || body.confirm_password === password;
const mismatch = {
  error: "is not the same as the password",
  path: ["confirm_password"],
  params: { code: "password_mismatch" },
};

export const Registration = z
  .strictObject({
    email: field.Email,
    password: field.NewPassword,
    confirm_password: z.string().max(1_024).optional(),
    username: field.Username.optional(),
    full_name: field.FullName.optional(),
    name: field.FullName.optional(),
    push_token: field.PushToken.optional(),
    preferences: PreferencesChange.optional(),
  })
  .refine((body) => passwordsAgree(body, body.password), mismatch)
  .meta({ id: "Registration" });

export const Login = z
  .strictObject({
    /** Not checked for form: a sign-in answers a malformed address like an unknown one. */
    email: z.string().min(1).max(255).optional(),
    username: z.string().min(1).max(255).optional(),
    password: z.string().min(1).max(1_024),
    device_name: field.Text[100].optional(),
    /** Read by the gateway: the tokens go into cookies and not into the answer. */
    use_cookies: z.boolean().optional(),
  })
  .refine((body) => (body.email === undefined) !== (body.username === undefined), {
    error: "send either email or username",
    path: ["email"],
  })
  .meta({ id: "Login" });

/** Public half of a signing key (RFC 7517, RFC 8037). */
export const Jwk = z.object({
  kty: z.literal("OKP"),
  crv: z.literal("Ed25519"),
  x: z.string(),
  kid: z.string(),
  use: z.literal("sig"),
  alg: z.literal("EdDSA"),
});

const asUser = { who: ["user"] } as const;
const asAnyone = { who: ["anonymous", "user"] } as const;
const byService = (permission: string) => ({ who: ["service"], permission }) as const;

export const authContract = contract("auth", {
  needs: [
    "users:create",
    "users:sign_in",
    "users:confirm_email",
    "users:read",
    "users:validate",
    "users:tenants",
    "activity:record",
    "users:email_change",
    "sessions:create",
    "sessions:refresh",
    "sessions:read",
    "sessions:manage",
    "preferences:create",
  ],
  personal: ["credentials", "identities", "one_time_tokens", "guesses", "oauth_states", "oauth_codes", "outbox"],
  actions: {
    /** 409 `email_taken`, `username_taken`. Commits in `users.create`. `user` is null where HIDE_REGISTERED hides the outcome. */
    register: action({
      params: Registration,
      result: z.strictObject({ user: User.nullable() }),
      access: asAnyone,
      timeout: 9_000,
    }),
    /** 401 `invalid_credentials`, 403 `account_disabled`, `email_not_verified`, 429 `too_many_attempts`. */
    login: action({ params: Login, result: SignedIn, access: asAnyone, timeout: 9_000 }),
    refresh: action({
      /** The gateway fills in the token of a browser that keeps it in a cookie. */
      params: z.strictObject({
        refresh_token: field.RefreshTokenText.optional(),
        use_cookies: z.boolean().optional(),
      }),
      result: Refreshed,
      access: asAnyone,
    }),
    me: action({
      params: field.Empty,
      result: z.strictObject({ user: User, session: Session }),
      access: asUser,
      repeatable: true,
    }),
    /** Ends the other sessions before it answers. */
    changePassword: action({
      params: z
        .strictObject({
          current_password: field.Password,
          new_password: field.NewPassword,
          confirm_password: z.string().max(1_024).optional(),
        })
        .refine((body) => passwordsAgree(body, body.new_password), mismatch),
      result: field.Empty,
      access: asUser,
      timeout: 9_000,
    }),
    /** Is this the caller's password? For acts that ask for it again. Counts as a guess. */
    verifyPassword: action({
      params: z.strictObject({ user_id: field.Id, password: field.Password }),
      result: z.strictObject({ ok: z.boolean() }),
      access: byService("auth:verify"),
    }),
    /** Always the same answer in the same time, account or not. */
    requestReset: action({ params: z.strictObject({ email: field.Email }), result: field.Empty, access: asAnyone }),
    /** 400 `token_invalid`. Ends every session before it answers. */
    confirmReset: action({
      params: z
        .strictObject({
          token: field.OneTimeToken,
          new_password: field.NewPassword,
          confirm_password: z.string().max(1_024).optional(),
        })
        .refine((body) => passwordsAgree(body, body.new_password), mismatch),
      result: field.Empty,
      access: asAnyone,
      timeout: 9_000,
    }),
    requestVerification: action({
      params: z.strictObject({ email: field.Email.optional() }),
      result: field.Empty,
      access: asAnyone,
    }),
    /** A first address or a new one: 400 `token_invalid`, 409 `email_taken`. Commits in `users.confirmEmail`. */
    verifyEmail: action({
      params: z.strictObject({ token: field.OneTimeToken }),
      result: z.strictObject({ user: User }),
      access: asAnyone,
    }),
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
      result: z.array(
        z.strictObject({ provider: z.string(), email: z.string().nullable(), linked_at: field.Timestamp }),
      ),
      access: asUser,
      repeatable: true,
    }),
    /** A new way in: like a changed password it takes a sign-in that is fresh. */
    linkIdentity: action({
      params: z.strictObject({ provider: ProviderName, return_to: ReturnTo, browser: Browser }),
      result: z.strictObject({ authorize_url: z.string(), browser: z.string() }),
      access: { who: ["user"], fresh: 300 },
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
      access: { who: ["service", "operator"] },
      repeatable: true,
    }),
    /** Makes the first administrator in the tenant `default`, unless that email has an account. Safe to repeat, and from many nodes at once. */
    seedAdmin: action({
      params: z.strictObject({ email: field.Email, password: field.Password }),
      result: z.strictObject({ created: z.boolean() }),
      access: byService("auth:seed"),
      timeout: 30_000,
    }),
    /** For mail, when it sends: the derived token of an intent and the address it is for; null once it is of no use. */
    mailedToken: action({
      params: z.strictObject({ intent: field.Id }),
      result: z
        .strictObject({
          purpose: z.enum(["verify_email", "reset_password", "change_email", "invite"]),
          token: z.string(),
          email: z.string(),
          name: z.string().nullable(),
          user_id: field.Id,
          tenant_id: field.Id,
        })
        .nullable(),
      access: byService("auth:mailed_token"),
    }),
    /** The mail went out: the link's time runs from the first such call. */
    mailed: action({
      params: z.strictObject({ intent: field.Id }),
      result: field.Empty,
      access: byService("auth:mailed_token"),
    }),
    /** RFC 7517 set of all keys that verify now or will soon. */
    keys: action({
      params: field.Empty,
      result: z.strictObject({ keys: z.array(Jwk) }),
      access: { who: ["anonymous", "user", "service", "operator"] },
      repeatable: true,
      unguarded: true,
    }),
    /** Makes the next signing key in time, drops dead ones, puts old secrets under the active key of the ring. */
    rotateKeys: action({
      params: field.Empty,
      result: z.record(z.string(), z.int()),
      access: byService("maintenance:run"),
      timeout: 60_000,
    }),
    ...credentialActions,
    erase: action(erasing),
    export: action(exporting),
    /** Spent and outdated intents, orphaned credentials (24 h), old guesses and idempotency rows. */
    sweep: action({
      params: field.Empty,
      result: z.record(z.string(), z.int()),
      access: byService("maintenance:run"),
      timeout: 60_000,
    }),
  },
});
