import type * as z from "zod";
import { fieldError } from "../../lib/actions/errors.ts";
import type { Preferences, PreferencesChange } from "./preferences.contract.ts";

export type PreferencesView = z.output<typeof Preferences>;
export type Change = z.output<typeof PreferencesChange>;
export type Settings = Omit<PreferencesView, "user_id" | "updated_at">;
/** Fields a user has set to something else than their default. */
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
  privacy_profile: "public",
  privacy_location: true,
  language: null,
  timezone: null,
};

/** `null` puts a field back to its default; a field that is not sent stays. */
export function merge(overrides: PreferenceOverrides, change: Change): PreferenceOverrides {
  const sent = Object.entries(change).filter(([, value]) => value !== undefined);
  const merged = Object.entries({ ...overrides, ...Object.fromEntries(sent) });
  return Object.fromEntries(merged.filter(([, value]) => value !== null)) as PreferenceOverrides;
}

/** A change that is right by itself may cross what is stored. Said of the field that was sent. */
export function assertConsistent(overrides: PreferenceOverrides, change: Change, prefix = ""): void {
  const settings = { ...defaults, ...overrides };
  for (const [least, most] of [["age_min", "age_max"] as const, ["salary_min", "salary_max"] as const]) {
    const [from, to] = [settings[least], settings[most]];
    if (from === null || to === null || from <= to) continue;
    if (change[least] !== undefined)
      throw fieldError(prefix + least, "above_maximum", `must not be greater than ${most}, which is ${to}`);
    if (change[most] !== undefined)
      throw fieldError(prefix + most, "below_minimum", `must not be less than ${least}, which is ${from}`);
  }
}
