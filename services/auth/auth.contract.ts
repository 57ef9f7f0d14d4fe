import * as z from "zod";
import {
  action,
  asAdministrator,
  asAnyone,
  asUser,
  byService,
  byServiceOrOperator,
  contract,
} from "../../lib/actions/contract.ts";
import * as field from "../../lib/actions/schemas.ts";
import { keyUsageAction } from "../../lib/contracts/key-usage.contract.ts";
import { MailedTokenPurpose } from "../../lib/contracts/mailed-token.contract.ts";
import { outboxActions } from "../../lib/contracts/outbox.contract.ts";
import { eraseAction, exportAction } from "../../lib/contracts/personal-data.contract.ts";
import { PreferencesChange } from "../preferences/preferences.contract.ts";
import { Session } from "../sessions/sessions.contract.ts";
import { User } from "../users/contract/users-shapes.contract.ts";
import { LoginResult } from "./contract/login-result.contract.ts";
import { oauthActions, ReplacedRefreshToken } from "./contract/oauth.contract.ts";
import { pictureActions } from "./contract/pictures.contract.ts";
import { signingKeyActions } from "./contract/signing-keys.contract.ts";
import { transferActions } from "./contract/transfer.contract.ts";

const RefreshResult = LoginResult.omit({ status: true, user: true, device_token: true }).meta({ id: "RefreshResult" });

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

const passwordCredentials = {
  /** The format is not validated: a malformed address is refused like an unknown one. Surrounding blanks do not count. */
  email: z.string().min(1).max(255).optional(),
  username: z.string().min(1).max(255).optional(),
  password: z.string().min(1).max(1_024),
};
const namesOneAccount = (body: { readonly email?: string | undefined; readonly username?: string | undefined }) =>
  (body.email === undefined) !== (body.username === undefined);
const eitherName = { error: "send either email or username, but not both", path: ["email"] };

export const Login = z
  .strictObject({
    ...passwordCredentials,
    device_name: field.Text[100].optional(),
    /** From an earlier sign-in on this device. For a browser, the gateway adds it from its cookie. */
    device_token: z.string().min(1).max(1_024).optional(),
    /** Read by the gateway, which then sets the tokens as cookies instead of returning them. */
    use_cookies: z.boolean().optional(),
    replaced_refresh_token: ReplacedRefreshToken,
  })
  .refine(namesOneAccount, eitherName)
  .meta({ id: "Login" });

export const authContract = contract("auth", {
  requiredPermissions: [
    "users:create",
    "users:sign_in",
    "users:confirm_email",
    "users:record_proof",
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
      result: z.strictObject({
        user: User.nullable(),
        /** The gateway keeps it in a cookie of the browser. */
        registration_binding: z.string(),
      }),
      access: asAnyone,
      timeout: 9_000,
    }),
    /** 401 `invalid_credentials`, 403 `account_disabled`, `email_not_verified`, 429 `too_many_attempts`. */
    login: action({ params: Login, result: LoginResult, access: asAnyone, timeout: 9_000 }),
    /**
     * Takes back the deletion of the own account, until it is erased. The errors are those of `login`, and 410
     * `account_erased`.
     */
    restoreAccount: action({
      params: z.strictObject(passwordCredentials).refine(namesOneAccount, eitherName),
      result: field.Empty,
      access: asAnyone,
      timeout: 9_000,
    }),
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
      result: z.strictObject({
        user: User,
        session: Session,
        permissions: z.array(z.string()).meta({ description: "What the access token permits, such as `users:read`." }),
      }),
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
    /**
     * 400 `one_time_token_invalid`. Verifies the address, and revokes all sessions of the account before it responds. If the
     * address was not verified before, linked providers and everything else from before is removed too.
     */
    confirmReset: action({
      params: z
        .strictObject({
          token: field.OneTimeToken,
          new_password: field.NewPassword,
          confirm_password: z.string().max(1_024).optional(),
          unlink_providers: z.boolean().optional().meta({
            description:
              "Also removes the sign-in providers that were linked after the address was verified. Those linked before are always removed.",
          }),
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
    /**
     * Confirms an initial or a changed address. 400 `one_time_token_invalid`, 403 `password_required`, 401
     * `invalid_credentials`, 409 `email_taken`, 429 `too_many_attempts`. Commits in `users.confirmEmail`, or with a
     * `new_password` like `confirmReset`.
     */
    verifyEmail: action({
      params: z
        .strictObject({
          token: field.OneTimeToken,
          password: field.Password.optional().meta({
            description:
              "The account's password. Needed unless you are signed in to the account or registered it in this browser: otherwise the response is 403 `password_required`.",
          }),
          new_password: field.NewPassword.optional().meta({
            description:
              "Instead of `password`, for an initial address: sets this password, and removes every other way to sign in that was added before, ends all sessions, and notifies the owner by mail. Not for a changed address.",
          }),
          confirm_password: z.string().max(1_024).optional(),
          registration_binding: z.string().max(100).optional(),
        })
        .refine((body) => body.password === undefined || body.new_password === undefined, {
          error: "send either password or new_password, but not both",
          path: ["password"],
        })
        .refine((body) => passwordsMatch(body, body.new_password ?? ""), mismatch),
      result: z.strictObject({ user: User }),
      access: asAnyone,
      timeout: 9_000,
    }),
    /**
     * Mails a link to the owner of an account of the caller's tenant. 403 `account_disabled`, or for an account with
     * permissions that the caller lacks; 422 `has_password` for an invitation, `already_verified`; 429 `rate_limited` after
     * ten unused links in an hour.
     */
    sendLink: action({
      params: z.strictObject({
        id: field.Id,
        kind: z.enum(["invitation", "password_reset", "email_verification"]).meta({
          description: "`invitation` is for accounts without a password. Only the latest link of each kind works.",
        }),
      }),
      result: field.Empty,
      access: asAdministrator("users:write"),
    }),
    /** For users, after an administrator has confirmed the address of an unverified account. Once per event id. */
    revokeConfirmedByAdmin: action({
      params: z.strictObject({ user_id: field.Id, event_id: field.Id }),
      result: field.Empty,
      access: byService("auth:revoke"),
      timeout: 9_000,
    }),
    ...oauthActions,
    ...pictureActions,
    /**
     * Creates the first administrator in the default tenant, unless an account has the email: that one is left as it is,
     * because anyone may have registered it. Safe to call from several nodes at once.
     */
    seedAdmin: action({
      params: z.strictObject({ email: field.Email, password: field.Password }),
      result: z.strictObject({
        created: z.boolean(),
        /** Whether the account with the email is an administrator, and whether any active account of the tenant is. */
        is_administrator: z.boolean(),
        has_administrator: z.boolean(),
      }),
      access: byServiceOrOperator("auth:seed"),
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
      // It fails when the users service is away, which must not make its caller give up auth.
      circuitBreaker: false,
    }),
    /** Called after the mail was sent. The link's lifetime runs from the first such call. */
    markMailSent: action({
      params: z.strictObject({ token_id: field.Id }),
      result: field.Empty,
      access: byService("auth:mailed_token"),
    }),
    /** For an account whose owner can't use a mailed link. Revokes all its sessions and links before it responds. */
    setPassword: action({
      params: z.strictObject({ user_id: field.Id, password: field.NewPassword }),
      result: field.Empty,
      access: byServiceOrOperator("auth:seed"),
      timeout: 9_000,
    }),
    ...signingKeyActions,
    ...transferActions,
    erase: action(eraseAction),
    export: action(exportAction),
    ...outboxActions,
    keyUsage: action(keyUsageAction),
    /** Deletes old one-time tokens, login attempts and URLs of pictures, orphaned credentials, and old rows of the service tables. */
    sweep: action({
      params: field.Empty,
      result: z.record(z.string(), z.int()),
      access: byService("maintenance:run"),
      timeout: 60_000,
    }),
  },
});
