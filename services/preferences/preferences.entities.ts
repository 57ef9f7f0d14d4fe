import { EntitySchema } from "typeorm";
import type { PreferenceOverrides } from "./defaults.ts";

export interface PreferencesRow {
  user_id: string;
  /** What differs from the defaults. */
  overrides: PreferenceOverrides;
  /** False until the account is known to exist. */
  confirmed: boolean;
  created_at: Date;
  updated_at: Date;
}

export const PreferencesEntity = new EntitySchema<PreferencesRow>({
  name: "preferences",
  schema: "preferences",
  tableName: "preferences",
  columns: {
    user_id: { type: "uuid", primary: true },
    overrides: { type: "jsonb" },
    confirmed: { type: "boolean" },
    created_at: { type: "timestamptz", precision: 3 },
    updated_at: { type: "timestamptz", precision: 3 },
  },
});
