import { EntitySchema } from "typeorm";
import type { PreferenceOverrides } from "./defaults.ts";

export interface PreferencesRow {
  user_id: string;
  /** What differs from the defaults. */
  chosen: PreferenceOverrides;
  /** False until the account is known to exist. */
  claimed: boolean;
  created_at: Date;
  updated_at: Date;
}

export const PreferencesEntity = new EntitySchema<PreferencesRow>({
  name: "preferences",
  schema: "preferences",
  tableName: "preferences",
  columns: {
    user_id: { type: "uuid", primary: true },
    chosen: { type: "jsonb" },
    claimed: { type: "boolean" },
    created_at: { type: "timestamptz", precision: 3 },
    updated_at: { type: "timestamptz", precision: 3 },
  },
});
