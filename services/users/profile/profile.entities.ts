import { EntitySchema } from "typeorm";
import type * as z from "zod";
import type { Education, Experience } from "../contract/users-shapes.contract.ts";

export interface ProfileRow {
  user_id: string;
  /** Phone and date of birth, sealed under the key ring. */
  sealed: string | null;
  gender: string | null;
  industry: string | null;
  years_of_experience: number | null;
  skills: string[];
  education: z.output<typeof Education>[];
  experience: z.output<typeof Experience>[];
  languages: string[];
  linkedin_url: string | null;
  github_url: string | null;
  website_url: string | null;
  headline: string | null;
  updated_at: Date;
}

const optionalText = { type: "text", nullable: true } as const;

export const ProfileEntity = new EntitySchema<ProfileRow>({
  name: "profile",
  schema: "users",
  tableName: "profiles",
  columns: {
    user_id: { type: "uuid", primary: true },
    sealed: optionalText,
    gender: optionalText,
    industry: optionalText,
    years_of_experience: { type: "int", nullable: true },
    skills: { type: "jsonb" },
    education: { type: "jsonb" },
    experience: { type: "jsonb" },
    languages: { type: "jsonb" },
    linkedin_url: optionalText,
    github_url: optionalText,
    website_url: optionalText,
    headline: optionalText,
    updated_at: { type: "timestamptz", precision: 3 },
  },
});
