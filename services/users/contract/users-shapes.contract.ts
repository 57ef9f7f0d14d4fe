import * as z from "zod";
import * as field from "../../../lib/actions/schemas.ts";

export const Subscription = z
  .strictObject({
    tier: z.enum(["basic", "premium"]),
    plan: z.string().nullable(),
    expires_at: field.Timestamp.nullable().meta({ description: "Null if it has no end date." }),
  })
  .meta({ id: "Subscription" });

type Fields = Readonly<Record<string, z.ZodType>>;

export const nullable = <F extends Fields>(fields: F) =>
  Object.fromEntries(Object.entries(fields).map(([name, type]) => [name, type.nullable()])) as {
    [Name in keyof F]: z.ZodNullable<F[Name]>;
  };

/** For results, which are not checked by the rules for input, so that names stored under an earlier rule stay valid. */
const nullableStrings = <F extends Fields>(fields: F) =>
  Object.fromEntries(Object.keys(fields).map((name) => [name, z.string().nullable()])) as {
    [Name in keyof F]: z.ZodNullable<z.ZodString>;
  };

/**
 * What users say about themselves in the account. A field is added by a line here, one in the entity and a migration: it
 * is then shown to its owner and to administrators, changed, imported and exported.
 */
export const accountTexts = {
  full_name: field.FullName,
  current_title: field.Text[255],
  company: field.Text[255],
  location: field.Text[255],
  bio: field.Text[2000],
};

/** The account as its owner and an administrator see it. */
export const User = z
  .strictObject({
    id: field.Id,
    tenant_id: field.Id,
    email: z.string(),
    pending_email: z.string().nullable(),
    username: z.string().nullable(),
    external_id: z.string().nullable().meta({
      description: "Id of the account in the system that it was imported from, unique within the tenant.",
    }),
    ...nullableStrings(accountTexts),
    avatar_url: z.string().nullable(),
    has_push_token: z.boolean(),
    is_active: z.boolean(),
    is_verified: z.boolean(),
    roles: z.array(z.string()),
    subscription: Subscription,
    created_at: field.Timestamp,
    updated_at: field.Timestamp,
    last_login_at: field.Timestamp.nullable().meta({
      description: "In `GET /users/me` up to a minute behind a sign-in on another device.",
    }),
    deleted_at: field.Timestamp.nullable().meta({
      description: "When it was deleted. Its owner or an administrator can restore it until its erasure begins.",
    }),
  })
  .meta({ id: "User" });

/**
 * Fields that earlier systems know under other names. Responses on their paths have both names, and `updated_fields` of
 * events names a changed field by both.
 */
export const earlierNames: Readonly<Record<string, string>> = {
  full_name: "name",
  current_title: "job_title",
  avatar_url: "profile_picture_url",
  last_login_at: "last_login",
};

/** Who may see an account. */
export const Visibility = z.strictObject({
  privacy_profile: z.enum(["public", "private", "connections"]),
  privacy_location: z
    .boolean()
    .meta({ description: "If false, others can neither see your location nor search by it." }),
});

export const defaultVisibility: z.output<typeof Visibility> = { privacy_profile: "public", privacy_location: true };

export const Education = z.strictObject({
  school: field.Text[255],
  degree: field.Text[255].nullish(),
  field: field.Text[255].nullish(),
  from_year: z.int().min(1900).max(2200).nullish(),
  to_year: z.int().min(1900).max(2200).nullish(),
});

export const Experience = z.strictObject({
  title: field.Text[255],
  company: field.Text[255].nullish(),
  description: field.Text[2000].nullish(),
  from_date: z.iso.date().nullish(),
  to_date: z.iso.date().nullish(),
});

/** Shown only to the owner, and encrypted at rest. */
export const sealedProfileFields = { phone: field.Phone, date_of_birth: z.iso.date() };

/** Shown only to the owner. */
const privateProfileFields = { gender: field.Text[20] };

/** Shown to everyone who may see the account. */
const publicProfileFields = {
  industry: field.Text[100],
  years_of_experience: z.int().min(0).max(100),
  skills: field.TextList,
  education: z.array(Education).max(50),
  experience: z.array(Experience).max(50),
  languages: field.TextList,
  linkedin_url: field.Url,
  github_url: field.Url,
  website_url: field.Url,
  headline: field.Text[255],
};

/** A field is added by one line above: it is then stored, shown, changed, imported and exported. */
export const profileFields = { ...sealedProfileFields, ...privateProfileFields, ...publicProfileFields };

/** An unset list is read as an empty list, any other unset field as null. */
const asRead = <F extends Fields>(fields: F) =>
  Object.fromEntries(
    Object.entries(fields).map(([name, type]) => [name, type instanceof z.ZodArray ? type : type.nullable()]),
  ) as { [Name in keyof F]: F[Name] extends z.ZodArray ? F[Name] : z.ZodNullable<F[Name]> };

export const Profile = z
  .strictObject({ user_id: field.Id, ...asRead(profileFields), updated_at: field.Timestamp })
  .meta({ id: "Profile" });

/** An account as others of its tenant see it, through its privacy settings. */
export const Person = z
  .strictObject({
    id: field.Id,
    username: z.string().nullable(),
    full_name: z.string().nullable(),
    current_title: z.string().nullable(),
    company: z.string().nullable(),
    location: z.string().nullable().meta({ description: "Also null if `privacy_location` is false." }),
    bio: z.string().nullable(),
    avatar_url: z.string().nullable(),
    is_verified: z.boolean(),
    created_at: field.Timestamp,
  })
  .meta({ id: "Person" });

export const PersonProfile = z
  .strictObject({ user_id: field.Id, ...asRead(publicProfileFields), updated_at: field.Timestamp })
  .meta({ id: "PersonProfile", description: "Without phone, date of birth and gender, which only the owner sees." });

export const PersonQuery = z.object({
  q: z.string().max(255).optional().meta({
    description:
      "Words of a name, username, title, company or skill, each of which must match; a word with a wrong letter still matches.",
  }),
  industry: z.string().max(100).optional(),
  location: z.string().max(255).optional().meta({ description: "Matches a part of the location." }),
  skills: z.string().max(1_000).optional().meta({ description: "Comma-separated; people must have all of them." }),
  page: field.PageNumber,
  limit: field.Limit,
});

export const PersonPage = field.pageOf(Person);

export const Stats = z
  .strictObject({
    account_age_days: z.int(),
    profile_completeness: z.int().min(0).max(100),
    active_sessions: z.int(),
    logins_total: z.int(),
    last_login_at: field.Timestamp.nullable(),
    is_verified: z.boolean(),
    subscription: Subscription,
  })
  .meta({ id: "Stats" });

export const Avatar = z.strictObject({ avatar_url: z.string(), thumbnail_url: z.string() }).meta({ id: "Avatar" });

/** For services that write to the old and the new address. */
export const EmailChange = z.strictObject({
  token_id: field.Id,
  user_id: field.Id,
  tenant_id: field.Id,
  old_email: z.string(),
  new_email: z.string(),
  state: z.enum(["pending", "applied", "refused", "ended"]),
  epoch: z.int(),
  is_active: z.boolean(),
});

/** `null` clears a field; a list is cleared by `null` or `[]`. */
export const ProfileChange = z.strictObject(nullable(profileFields)).partial().meta({ id: "ProfileChange" });

export const UserChange = z
  .strictObject({
    email: field.Email,
    current_password: field.Password,
    username: field.Username.nullable(),
    ...nullable(accountTexts),
    push_token: field.PushToken.nullable(),
  })
  .partial()
  .meta({ id: "UserChange" });

export const UserPage = field.pageOf(User);

export const RoleName = z.string().regex(/^[a-z][a-z0-9_-]{0,49}$/, {
  error: "must be a role name like support-agent",
});

export const UserQuery = z.object({
  page: field.PageNumber,
  limit: field.Limit,
  cursor: field.Cursor,
  search: z.string().max(255).optional(),
  status: z.enum(["active", "inactive", "verified", "unverified", "deleted"]).optional().meta({
    description: "`deleted` lists accounts waiting for their erasure, which no other status includes.",
  }),
  role: RoleName.optional(),
  external_id: z.string().max(255).optional(),
  ids: z
    .string()
    .regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(,[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}){0,99}$/)
    .optional()
    .meta({ description: "Only these accounts: up to 100 ids in lower case, separated by commas." }),
  sort: z.enum(["created_at", "-created_at", "last_login_at", "-last_login_at"]).default("-created_at"),
});

/** The account as a sign-in sees it, always read from the database. */
export const SignInView = z.strictObject({
  id: field.Id,
  tenant_id: field.Id,
  email: z.string(),
  username: z.string().nullable(),
  full_name: z.string().nullable(),
  is_active: z.boolean(),
  is_verified: z.boolean(),
  /** Registered under PREVENT_USER_ENUMERATION and not verified yet: a sign-in must not reveal that the account exists. */
  is_hidden: z.boolean(),
});

/** The account as an access token describes it, always read from the database. */
export const Claims = z.strictObject({
  id: field.Id,
  tenant_id: field.Id,
  email: z.string(),
  full_name: z.string().nullable(),
  is_active: z.boolean(),
  is_verified: z.boolean(),
  roles: z.array(z.string()),
  permissions: z.array(z.string()),
  tier: z.enum(["basic", "premium"]),
  tier_expires_at: field.Timestamp.nullable(),
  /** The tenant's setting, within the installation's bounds. */
  access_token_seconds: z.int(),
});

/** Account and profile as one resource. */
export const WholeProfile = z
  .strictObject({ ...User.shape, ...Profile.omit({ user_id: true }).shape })
  .meta({ id: "WholeProfile" });

export const WholeProfileChange = z
  .strictObject({ ...UserChange.shape, ...ProfileChange.shape })
  .meta({ id: "WholeProfileChange" });
