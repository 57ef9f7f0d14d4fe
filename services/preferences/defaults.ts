import type * as z from "zod";
import { fieldError } from "../../lib/actions/errors.ts";
import type { Actions } from "../../lib/actions/typed-call.ts";
import type { PreferencesChange } from "./preferences.contract.ts";

/** Preferences as this service stores them: without visibility, which the users service stores. */
export type StoredPreferences = Actions["preferences.get"]["result"];
export type Change = z.output<typeof PreferencesChange>;
export type Settings = Omit<StoredPreferences, "user_id" | "updated_at">;
/** Settings that differ from their defaults. */
export type PreferenceOverrides = Partial<Settings>;

export const defaults: Settings = {
  notification_email: true,
  notification_push: true,
  desired_titles: [],
  job_types: [],
  job_levels: [],
  industries: [],
  interests: [],
  preferred_locations: [],
  remote: null,
  salary_min: null,
  salary_max: null,
  salary_currency: null,
  willing_to_relocate: null,
  age_min: 18,
  age_max: 65,
  location_radius: 50,
  language: null,
  timezone: null,
};

/**
 * `null` resets a field to its default. A field that is not sent keeps its value. Visibility is left out, because the users
 * service stores it.
 */
export function applyChange(overrides: PreferenceOverrides, change: Change): PreferenceOverrides {
  const sent = Object.entries(change).filter(([name, value]) => value !== undefined && Object.hasOwn(defaults, name));
  const merged = Object.entries({ ...overrides, ...Object.fromEntries(sent) });
  return Object.fromEntries(merged.filter(([, value]) => value !== null)) as PreferenceOverrides;
}

/** Throws 422 if a field that was sent contradicts the other end of its range, whether that was sent too or not. */
export function assertRangesValid(overrides: PreferenceOverrides, change: Change, prefix = ""): void {
  const settings = { ...defaults, ...overrides };
  for (const [min, max] of [["age_min", "age_max"] as const, ["salary_min", "salary_max"] as const]) {
    const [from, to] = [settings[min], settings[max]];
    if (from === null || to === null || from <= to) continue;
    if (change[min] !== undefined)
      throw fieldError(prefix + min, "above_maximum", `must not be greater than ${max}, which is ${to}`);
    if (change[max] !== undefined)
      throw fieldError(prefix + max, "below_minimum", `must not be less than ${min}, which is ${from}`);
  }
}
