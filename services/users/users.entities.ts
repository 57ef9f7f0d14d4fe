import type * as z from "zod";
import {
  array,
  boolean,
  bytea,
  defineEntity,
  int,
  jsonb,
  nullable,
  primary,
  type RowOf,
  text,
  textOf,
  timestamp,
  timestampMs,
  uuid,
} from "../../lib/database/entity.ts";
import type { Profile } from "./contract/users-shapes.contract.ts";

/** The settings as they are stored: only those that the tenant has set. */
export interface StoredSettings {
  readonly password_policy?: "classic" | "length" | "nist";
  readonly access_token_minutes?: number;
  readonly refresh_token_days?: number;
  readonly session_max_days?: number;
  readonly max_users?: number;
  /** Who may create an account without an administrator; by default anyone. */
  readonly registration?: "open" | "invited" | "domains";
  /** Domains of email addresses, in lower case, for `registration: "domains"`. */
  readonly registration_domains?: string[];
  /** Who may upgrade an account; by default its owner. */
  readonly upgrade?: "self" | "permission";
  readonly brand_name?: string;
  readonly brand_color?: string;
}

/** For each service, when it erased the user and how many rows of which table. */
export interface ErasureReceipts {
  readonly [service: string]: { readonly at: string; readonly rows: Record<string, number> };
}

export const Tenants = defineEntity("users", "tenants", {
  id: primary(uuid),
  slug: text,
  name: text,
  settings: jsonb<StoredSettings>(),
  created_at: timestampMs,
  updated_at: timestampMs,
  /** The first digits of the SHA-256 of the logo. */
  logo_hash: nullable(text),
  /** Event of the latest change of the settings or of `is_active`. */
  settings_event_id: nullable(uuid),
  /** False: nobody can sign in to the accounts of the tenant. */
  is_active: boolean,
  /** When the erasure of the tenant begins; null unless it is deleted. */
  delete_at: nullable(timestampMs),
});

/** Every slug that a tenant has or had. */
export const TenantSlugs = defineEntity("users", "tenant_slugs", { slug: primary(text), tenant_id: uuid });

/** The logos have a table of their own, because the rows of tenants are read at every request and should stay small. */
export const TenantLogos = defineEntity("users", "tenant_logos", { tenant_id: primary(uuid), png: bytea });

export const Users = defineEntity("users", "users", {
  id: primary(uuid),
  tenant_id: uuid,
  email: text,
  email_key: text,
  pending_email: nullable(text),
  username: nullable(text),
  username_key: nullable(text),
  full_name: nullable(text),
  current_title: nullable(text),
  company: nullable(text),
  location: nullable(text),
  bio: nullable(text),
  avatar_url: nullable(text),
  push_token: nullable(text),
  search_text: text,
  is_active: boolean,
  is_verified: boolean,
  /** Id in another system, unique within the tenant. */
  external_id: nullable(text),
  /** Until its address is verified, nobody may notice that the account exists. */
  hidden_until_verified: boolean,
  /** Username that a hidden account gets when its address is verified. */
  requested_username: nullable(text),
  inactive_reason: nullable(text),
  /** Event of the latest change of `is_active` or `deleted_at`; null before the first one. */
  status_event_id: nullable(uuid),
  privacy_profile: textOf<"public" | "private" | "connections">(),
  privacy_location: boolean,
  logins_total: int,
  created_at: timestampMs,
  updated_at: timestampMs,
  last_login_at: nullable(timestampMs),
  deleted_at: nullable(timestampMs),
  subscription_event_id: nullable(uuid),
  roles_event_id: nullable(uuid),
});

export const Profiles = defineEntity("users", "profiles", {
  user_id: primary(uuid),
  /** The fields that the user has filled in, except the sealed ones. */
  fields: jsonb<Partial<Omit<z.output<typeof Profile>, "user_id" | "updated_at">>>(),
  /** The sealed fields together, so that the row does not tell which of them were given. */
  sealed: nullable(text),
  updated_at: timestampMs,
});

export type ProfileRow = RowOf<typeof Profiles>;

export const Directory = defineEntity("users", "directory", {
  user_id: primary(uuid),
  tenant_id: uuid,
  /** Full name and username, without accents and in lower case. */
  names: text,
  /** Everything that people are found by, the names too, in the same form. */
  words: text,
  industry: nullable(text),
  location: nullable(text),
  skills: array(text),
});

export const Roles = defineEntity("users", "roles", {
  tenant_id: primary(uuid),
  name: primary(text),
  permissions: array(text),
  system: boolean,
  created_at: timestampMs,
  updated_at: timestampMs,
  /** Event of the latest change of the permissions. */
  event_id: nullable(uuid),
});

export const RoleMembers = defineEntity("users", "role_members", {
  user_id: primary(uuid),
  tenant_id: uuid,
  role: primary(text),
  granted_by: nullable(uuid),
  granted_at: timestampMs,
});

export const Subscriptions = defineEntity("users", "subscriptions", {
  user_id: primary(uuid),
  plan: text,
  started_at: timestampMs,
  expires_at: nullable(timestampMs),
});

export const EmailChanges = defineEntity("users", "email_changes", {
  token_id: primary(uuid),
  user_id: uuid,
  old_email: text,
  new_email: text,
  new_email_key: text,
  /** `refused`: the address was taken meanwhile. `ended`: a newer request or a reset of the password replaced it. */
  state: textOf<"pending" | "applied" | "refused" | "ended">(),
  requested_at: timestampMs,
  /** The account's epoch at the request. */
  epoch: int,
  /** Kinds of the mails about this change that were sent. */
  mails_sent: array(text),
});

export const Avatars = defineEntity("users", "avatars", {
  key: primary(text),
  user_id: nullable(uuid),
  in_use: boolean,
  created_at: timestampMs,
});

export const AvatarFiles = defineEntity("users", "avatar_files", { name: primary(text), bytes: bytea });

export const Snapshots = defineEntity("users", "snapshots", {
  stream: primary(text),
  cursor: nullable(uuid),
  done: boolean,
  at: timestamp,
});

export const Erasures = defineEntity("users", "erasures", {
  id: primary(uuid),
  user_id: uuid,
  tenant_id: uuid,
  requested_by: nullable(uuid),
  requested_at: timestampMs,
  /** Null while the account is kept: ACCOUNT_DELETION_GRACE_DAYS is `never`. */
  due_at: nullable(timestampMs),
  deadline: nullable(timestampMs),
  /** The latest attempt. After the first attempt the deletion cannot be cancelled. */
  tried_at: nullable(timestampMs),
  receipts: jsonb<ErasureReceipts>(),
  completed_at: nullable(timestampMs),
  /** The next purge of the event streams. Null before the erasure is completed and after the last purge. */
  purge_at: nullable(timestampMs),
});

export const usersEntities = [
  Tenants,
  TenantSlugs,
  TenantLogos,
  Users,
  Profiles,
  Directory,
  Roles,
  RoleMembers,
  Subscriptions,
  EmailChanges,
  Avatars,
  AvatarFiles,
  Snapshots,
  Erasures,
] as const;
