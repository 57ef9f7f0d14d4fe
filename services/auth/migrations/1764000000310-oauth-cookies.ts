import type { Migration } from "../../../mixins/migration.ts";

/** A sign-in that ends in cookies belongs to the browser that began it, and to no other. */
export const migration: Migration = {
  name: "OAuthCookies1764000000310",
  up: [
    "ALTER TABLE auth.oauth_states ADD COLUMN use_cookies boolean NOT NULL DEFAULT false",
    "ALTER TABLE auth.oauth_codes ADD COLUMN browser_hash text",
  ],
  down: [
    "ALTER TABLE auth.oauth_codes DROP COLUMN browser_hash",
    "ALTER TABLE auth.oauth_states DROP COLUMN use_cookies",
  ],
};
