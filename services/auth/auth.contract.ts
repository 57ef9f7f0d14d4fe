import * as z from "zod";
import { action, asAnyone, asUser, byService, byServiceOrOperator, contract } from "../../lib/actions/contract.ts";
import * as field from "../../lib/actions/schemas.ts";
import { MailedTokenPurpose } from "../../lib/contracts/mailed-token.contract.ts";
import { eraseAction, exportAction } from "../../lib/contracts/personal-data.contract.ts";
import { PreferencesChange } from "../preferences/preferences.contract.ts";
import { Session } from "../sessions/sessions.contract.ts";
import { ImportRefusal } from "../users/contract/users-import.contract.ts";
import { User } from "../users/contract/users-shapes.contract.ts";
import { LoginResult } from "./contract/login-result.contract.ts";
import { oauthActions } from "./contract/oauth.contract.ts";

const RefreshResult = LoginResult.omit({ status: true, user: true }).meta({ id: "RefreshResult" });

const passwordsMatch = (body: { readonly confirm_password?: string | undefined }, password: string): boolean =>
  body.confirm_password === undefined || body.confirm_password === password;
const mismatch = {
  error: "does not match the password",
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
  .refine((body) => passwordsMatch(body, body.password), mismatch)
  .meta({ id: "Registration" });

export const Login = z
  .strictObject({
    /** The format is not validated: a malformed address is refused like an unknown one. */
    email: z.string().min(1).max(255).optional(),
    username: z.string().min(1).max(255).optional(),
    password: z.string().min(1).max(1_024),
    device_name: field.Text[100].optional(),
    /** Read by the gateway, which then sets the tokens as cookies instead of returning them. */
    use_cookies: z.boolean().optional(),
  })
  .refine((body) => (body.email === undefined) !== (body.username === undefined), {
    error: "send either email or username, but not both",
    path: ["email"],
  })
  .meta({ id: "Login" });

/** Public key of an access token's signature (RFC 7517, RFC 8037). */
export const Jwk = z.object({
  kty: z.literal("OKP"),
  crv: z.literal("Ed25519"),
  x: z.string(),
  kid: z.string(),
  use: z.literal("sig"),
  alg: z.literal("EdDSA"),
});

export const authContract = contract("auth", {
  requiredPermissions: [
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
  actions: {
    /** 409 `email_taken`, `username_taken`. Commits in `users.create`. With PREVENT_USER_ENUMERATION, `user` is always null. */
    register: action({
      params: Registration,
      result: z.strictObject({ user: User.nullable() }),
      access: asAnyone,
      timeout: 9_000,
    }),
    /** 401 `invalid_credentials`, 403 `account_disabled`, `email_not_verified`, 429 `too_many_attempts`. */
    login: action({ params: Login, result: LoginResult, access: asAnyone, timeout: 9_000 }),
    refresh: action({
      /** For a browser that keeps the refresh token in a cookie, the gateway adds it. */
      params: z.strictObject({
        refresh_token: field.RefreshTokenText.optional(),
        use_cookies: z.boolean().optional(),
      }),
      result: RefreshResult,
      access: asAnyone,
    }),
    me: action({
      params: field.Empty,
      result: z.strictObject({ user: User, session: Session }),
      access: asUser,
      idempotent: true,
    }),
    /** Revokes the caller's other sessions before it responds. */
    changePassword: action({
      params: z
        .strictObject({
          current_password: field.Password,
          new_password: field.NewPassword,
          confirm_password: z.string().max(1_024).optional(),
        })
        .refine((body) => passwordsMatch(body, body.new_password), mismatch),
      result: field.Empty,
      access: asUser,
      timeout: 9_000,
    }),
    /** For actions that ask for the password again. Counts as a login attempt: 429 `too_many_attempts`. */
    verifyPassword: action({
      params: z.strictObject({ id: field.Id, tenant_id: field.Id, email: z.string(), password: field.Password }),
      result: z.strictObject({ ok: z.boolean() }),
      access: byService("auth:verify"),
    }),
    /** Responds in the same way and time whether or not the account exists. */
    requestReset: action({ params: z.strictObject({ email: field.Email }), result: field.Empty, access: asAnyone }),
    /** 400 `one_time_token_invalid`. Revokes all sessions of the account before it responds. */
    confirmReset: action({
      params: z
        .strictObject({
          token: field.OneTimeToken,
          new_password: field.NewPassword,
          confirm_password: z.string().max(1_024).optional(),
        })
        .refine((body) => passwordsMatch(body, body.new_password), mismatch),
      result: field.Empty,
      access: asAnyone,
      timeout: 9_000,
    }),
    requestVerification: action({
      params: z.strictObject({ email: field.Email.optional() }),
      result: field.Empty,
      access: asAnyone,
    }),
    /** Confirms an initial or a changed address. 400 `one_time_token_invalid`, 409 `email_taken`. Commits in `users.confirmEmail`. */
    verifyEmail: action({
      params: z.strictObject({ token: field.OneTimeToken }),
      result: z.strictObject({ user: User }),
      access: asAnyone,
    }),
    ...oauthActions,
    /** Creates the first administrator in the default tenant, unless an account has the email. Safe to call from several nodes at once. */
    seedAdmin: action({
      params: z.strictObject({ email: field.Email, password: field.Password }),
      result: z.strictObject({ created: z.boolean() }),
      access: byService("auth:seed"),
      timeout: 30_000,
    }),
    /** For the mail service, right before sending: the one-time token and its address. Null if the link would be useless by now. */
    deriveMailToken: action({
      params: z.strictObject({ token_id: field.Id }),
      result: z
        .strictObject({
          purpose: MailedTokenPurpose,
          token: z.string(),
          email: z.string(),
          name: z.string().nullable(),
          /** Whether the owner of `email` has proven it; for an email change, they have not yet. */
          is_verified: z.boolean(),
          user_id: field.Id,
          tenant_id: field.Id,
        })
        .nullable(),
      access: byService("auth:mailed_token"),
    }),
    /** Called after the mail was sent. The link's lifetime runs from the first such call. */
    markMailSent: action({
      params: z.strictObject({ token_id: field.Id }),
      result: field.Empty,
      access: byService("auth:mailed_token"),
    }),
    /** The JWK set (RFC 7517) of all keys that verify signatures now or will soon. */
    keys: action({
      params: field.Empty,
      result: z.strictObject({ keys: z.array(Jwk) }),
      access: { callers: ["anonymous", "user", "service", "operator"] },
      idempotent: true,
      circuitBreaker: false,
    }),
    /** Creates the next signing key in time, deletes expired ones, and moves secrets to the active key of the ring. */
    rotateKeys: action({
      params: field.Empty,
      result: z.record(z.string(), z.int()),
      access: byService("maintenance:run"),
      timeout: 60_000,
    }),
    /** Stores password hashes of another system, before their accounts are imported. Those in `refused` are not stored. */
    importCredentials: action({
      params: z.strictObject({
        credentials: z.array(z.strictObject({ user_id: field.Id, password_hash: z.string().max(512) })).max(500),
      }),
      result: z.strictObject({ refused: z.array(ImportRefusal) }),
      access: byServiceOrOperator("import:write"),
    }),
    erase: action(eraseAction),
    export: action(exportAction),
    /** Deletes old one-time tokens and login attempts, orphaned credentials, and old rows of the service tables. */
    sweep: action({
      params: field.Empty,
      result: z.record(z.string(), z.int()),
      access: byService("maintenance:run"),
      timeout: 60_000,
    }),
  },
});
