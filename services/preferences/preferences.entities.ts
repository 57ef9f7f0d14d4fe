import { boolean, defineEntity, jsonb, primary, type RowOf, timestampMs, uuid } from "../../lib/database/entity.ts";
import type { PreferenceOverrides } from "./defaults.ts";

export const Preferences = defineEntity("preferences", "preferences", {
  user_id: primary(uuid),
  /** The settings that differ from their defaults. */
  overrides: jsonb<PreferenceOverrides>(),
  /** False until the account is known to exist. */
  confirmed: boolean,
  created_at: timestampMs,
  updated_at: timestampMs,
});

export type PreferencesRow = RowOf<typeof Preferences>;

export const preferencesEntities = [Preferences] as const;
