import * as z from "zod";
import { action, asUser, byService, byServiceOrOperator, contract } from "../../lib/actions/contract.ts";
import * as field from "../../lib/actions/schemas.ts";
import { outboxActions } from "../../lib/contracts/outbox.contract.ts";
import { eraseAction, exportAction } from "../../lib/contracts/personal-data.contract.ts";
import { invalidateCacheAction } from "../../lib/contracts/revocation.contract.ts";
import { ImportRefusal } from "../users/contract/users-import.contract.ts";
import { Visibility } from "../users/contract/users-shapes.contract.ts";

const fields = {
  notification_email: z.boolean(),
  notification_push: z.boolean(),
  desired_titles: field.TextList,
  job_types: field.TextList,
  job_levels: field.TextList,
  industries: field.TextList,
  interests: field.TextList,
  preferred_locations: field.TextList,
  remote: z.boolean().nullable(),
  salary_min: z.int().min(0).max(1_000_000_000).nullable(),
  salary_max: z.int().min(0).max(1_000_000_000).nullable(),
  salary_currency: z
    .string()
    .regex(/^[A-Z]{3}$/, { error: "must be a currency code like EUR" })
    .nullable(),
  willing_to_relocate: z.boolean().nullable(),
  age_min: z.int().min(0).max(150),
  age_max: z.int().min(0).max(150),
  location_radius: z.int().min(0).max(40_000),
  // Stored by the users service, but read and changed as part of this resource.
  ...Visibility.shape,
  language: z
    .string()
    .regex(/^[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,4}$/, { error: "must be a language tag like de-CH" })
    .max(35)
    .nullable(),
  timezone: z.string().max(64).refine(isTimezone, { error: "must be a time zone like Europe/Zurich" }).nullable(),
};

export const Preferences = z
  .strictObject({ user_id: field.Id, ...fields, updated_at: field.Timestamp })
  .meta({ id: "Preferences" });

/** What other users may see. It contains nothing about notifications, pay, ages or privacy. */
const PersonPreferences = Preferences.pick({
  user_id: true,
  desired_titles: true,
  job_types: true,
  job_levels: true,
  industries: true,
  interests: true,
  preferred_locations: true,
  remote: true,
  willing_to_relocate: true,
}).meta({
  id: "PersonPreferences",
  description: "Without notifications, pay, ages and privacy, which only the owner sees.",
});

/** `null` resets a field to its default. */
export const PreferencesChange = z
  .strictObject(nullableAndOptional(fields))
  .refine((change) => !isAbove(change.age_min, change.age_max), {
    error: "must not be greater than age_max",
    path: ["age_min"],
  })
  .refine((change) => !isAbove(change.salary_min, change.salary_max), {
    error: "must not be greater than salary_max",
    path: ["salary_min"],
  })
  .meta({ id: "PreferencesChange" });

export const preferencesContract = contract("preferences", {
  requiredPermissions: ["users:visibility", "users:validate", "sessions:lease", "sessions:invalidate_caches"],
  actions: {
    /**
     * Stores the preferences of a registration before the account exists. Ignores visibility, which is sent to
     * `users.create`.
     */
    create: action({
      params: z.strictObject({ user_id: field.Id, preferences: PreferencesChange }),
      result: field.Empty,
      access: byService("preferences:create"),
    }),
    me: action({ params: field.Empty, result: Preferences, access: asUser, idempotent: true }),
    updateMe: action({ params: PreferencesChange, result: Preferences, access: asUser }),
    /** 404 if the person's privacy settings hide them from the caller. */
    person: action({
      params: z.strictObject({ id: field.Id }),
      result: PersonPreferences,
      access: { callers: ["user"], premiumOr: "users:read" },
      idempotent: true,
    }),
    /** For services that send push notifications or mails. Visibility is not included; `users.visibility` returns it. */
    get: action({
      params: z.strictObject({ user_id: field.Id }),
      result: Preferences.omit({ privacy_profile: true, privacy_location: true }),
      access: byServiceOrOperator("preferences:read"),
      idempotent: true,
    }),
    /** Called before the accounts exist, like `create`. The preferences in `refused` are not stored. */
    import: action({
      params: z.strictObject({
        preferences: z.array(z.strictObject({ user_id: field.Id, preferences: PreferencesChange })).max(500),
      }),
      result: z.strictObject({ refused: z.array(ImportRefusal) }),
      access: byServiceOrOperator("import:write"),
    }),
    /** Settings that differ from their defaults, in the form that `import` takes. Visibility is not included. */
    exportOverrides: action({
      params: z.strictObject({ user_ids: z.array(field.Id).max(500) }),
      result: z.strictObject({
        preferences: z.array(z.strictObject({ user_id: field.Id, preferences: PreferencesChange })),
      }),
      access: byServiceOrOperator("export:read"),
      idempotent: true,
    }),
    erase: action(eraseAction),
    export: action(exportAction),
    ...outboxActions,
    invalidateCache: action(invalidateCacheAction),
    /** Deletes old outbox, inbox and idempotency rows, and preferences of registrations that never completed. */
    sweep: action({
      params: field.Empty,
      result: z.record(z.string(), z.int()),
      access: byService("maintenance:run"),
      timeout: 60_000,
    }),
  },
});

function nullableAndOptional<F extends Readonly<Record<string, z.ZodType>>>(all: F) {
  const entries = Object.entries(all).map(([name, type]) => [
    name,
    (type instanceof z.ZodNullable ? type : type.nullable()).optional(),
  ]);
  return Object.fromEntries(entries) as { [K in keyof F]: z.ZodOptional<z.ZodNullable<F[K]>> };
}

function isAbove(min: number | null | undefined, max: number | null | undefined): boolean {
  return min != null && max != null && min > max;
}

function isTimezone(name: string): boolean {
  try {
    Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
