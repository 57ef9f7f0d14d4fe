import * as z from "zod";
import { action, asAnyone, asUser, byService, contract } from "../../lib/actions/contract.ts";
import * as field from "../../lib/actions/schemas.ts";
import { eraseAction, exportAction } from "../../lib/contracts/personal-data.contract.ts";
import { PreferencesChange } from "../preferences/preferences.contract.ts";
import { Session } from "../sessions/sessions.contract.ts";
import { User } from "../users/contract/users-shapes.contract.ts";
import { credentialActions } from "./contract/auth-import.contract.ts";
import { LoginResult } from "./contract/login-result.contract.ts";
import { oauthActions } from "./contract/oauth.contract.ts";

const Refreshed = LoginResult.omit({ status: true, user: true }).meta({ id: "Refreshed" });

const passwordsAgree = (body: { readonly confirm_password?: string | undefined }, password: string): boolean =>
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
    error: "send either email or username, but not both",
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
    /** 409 `email_taken`, `username_taken`. Commits in `users.create`. `user` is null where PREVENT_USER_ENUMERATION hides the outcome. */
    register: action({
      params: Registration,
      result: z.strictObject({ user: User.nullable() }),
      access: asAnyone,
      timeout: 9_000,
    }),
    /** 401 `invalid_credentials`, 403 `account_disabled`, `email_not_verified`, 429 `too_many_attempts`. */
    login: action({ params: Login, result: LoginResult, access: asAnyone, timeout: 9_000 }),
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
      idempotent: true,
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
    /** Is this the account's password? For acts that ask for it again. Counts as a login attempt: 429 `too_many_attempts`. */
    verifyPassword: action({
      params: z.strictObject({ id: field.Id, tenant_id: field.Id, email: z.string(), password: field.Password }),
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
    ...oauthActions,
    /** Makes the first administrator in the tenant `default`, unless that email has an account. Safe to repeat, and from many nodes at once. */
    seedAdmin: action({
      params: z.strictObject({ email: field.Email, password: field.Password }),
      result: z.strictObject({ created: z.boolean() }),
      access: byService("auth:seed"),
      timeout: 30_000,
    }),
    /** For mail, when it sends: the derived one-time token and the address it is for; null once it is of no use. */
    deriveMailToken: action({
      params: z.strictObject({ token_id: field.Id }),
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
    markMailSent: action({
      params: z.strictObject({ token_id: field.Id }),
      result: field.Empty,
      access: byService("auth:mailed_token"),
    }),
    /** RFC 7517 set of all keys that verify now or will soon. */
    keys: action({
      params: field.Empty,
      result: z.strictObject({ keys: z.array(Jwk) }),
      access: { callers: ["anonymous", "user", "service", "operator"] },
      idempotent: true,
      circuitBreaker: false,
    }),
    /** Makes the next signing key in time, drops dead ones, puts old secrets under the active key of the ring. */
    rotateKeys: action({
      params: field.Empty,
      result: z.record(z.string(), z.int()),
      access: byService("maintenance:run"),
      timeout: 60_000,
    }),
    ...credentialActions,
    erase: action(eraseAction),
    export: action(exportAction),
    /** Spent and expired one-time tokens, orphaned credentials (24 h), old login attempts and idempotency rows. */
    sweep: action({
      params: field.Empty,
      result: z.record(z.string(), z.int()),
      access: byService("maintenance:run"),
      timeout: 60_000,
    }),
  },
});
