import type { Migration } from "../../../mixins/migration.ts";

/**
 * What a search for people looks through, in one row for each account, kept by triggers: whoever writes one of these
 * fields can't forget it. Who may be found is not in here but in `users.users`, so that it counts from its own commit.
 */
const directory = [
  `CREATE TABLE users.directory (
     user_id uuid PRIMARY KEY REFERENCES users.users (id) ON DELETE CASCADE,
     tenant_id uuid NOT NULL,
     names text NOT NULL,
     words text NOT NULL,
     industry text,
     location text,
     skills text[] NOT NULL DEFAULT '{}'
   )`,
  `CREATE FUNCTION users.fold(p_text text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
     SELECT lower(normalize(p_text, NFKC))
   $$`,
  `CREATE FUNCTION users.list_in_directory(p_user_id uuid) RETURNS void LANGUAGE sql VOLATILE AS $$
     INSERT INTO users.directory AS d (user_id, tenant_id, names, words, industry, location, skills)
     SELECT u.id, u.tenant_id, users.fold(concat_ws(E'\\n', u.full_name, u.username)),
       users.fold(concat_ws(E'\\n', u.full_name, u.username, u.current_title, u.company, s.text)),
       users.fold(p.industry), users.fold(u.location), coalesce(s.keys, '{}')
     FROM users.users u LEFT JOIN users.profiles p ON p.user_id = u.id
     LEFT JOIN LATERAL (SELECT string_agg(skill, E'\\n') AS text, array_agg(users.fold(skill)) AS keys
       FROM jsonb_array_elements_text(p.skills) AS skill) AS s ON true
     WHERE u.id = p_user_id
     ON CONFLICT (user_id) DO UPDATE SET names = excluded.names, words = excluded.words, industry = excluded.industry,
       location = excluded.location, skills = excluded.skills
   $$`,
  `CREATE FUNCTION users.list_user() RETURNS trigger LANGUAGE plpgsql AS $$
     BEGIN PERFORM users.list_in_directory(NEW.id); RETURN NULL; END $$`,
  `CREATE FUNCTION users.list_profile() RETURNS trigger LANGUAGE plpgsql AS $$
     BEGIN PERFORM users.list_in_directory(NEW.user_id); RETURN NULL; END $$`,
  `CREATE TRIGGER users_directory AFTER INSERT OR UPDATE OF full_name, username, current_title, company, location
     ON users.users FOR EACH ROW EXECUTE FUNCTION users.list_user()`,
  `CREATE TRIGGER profiles_directory AFTER INSERT OR UPDATE OF industry, skills
     ON users.profiles FOR EACH ROW EXECUTE FUNCTION users.list_profile()`,
  "SELECT users.list_in_directory(id) FROM users.users",
  "CREATE INDEX directory_words ON users.directory USING gin (words ext.gin_trgm_ops)",
  "CREATE INDEX directory_location ON users.directory USING gin (location ext.gin_trgm_ops)",
  "CREATE INDEX directory_skills ON users.directory USING gin (skills)",
  "CREATE INDEX directory_tenant ON users.directory (tenant_id, user_id)",
  "CREATE INDEX directory_industry ON users.directory (tenant_id, industry, user_id)",
];

const subscriptions = [
  // The event that stated the present subscription, or that there is none any more.
  "ALTER TABLE users.users ADD COLUMN subscription_event_id uuid",
  "CREATE INDEX subscriptions_expiry ON users.subscriptions (expires_at) WHERE expires_at IS NOT NULL",
];

const emailChanges = [
  // `epoch` is the account's at the wish: a reset in between moves it, and the link is void. `mails_sent`: kinds of the mails that went out.
  "ALTER TABLE users.email_changes ADD COLUMN epoch int NOT NULL DEFAULT 0, ADD COLUMN mails_sent text[] NOT NULL DEFAULT '{}'",
];

const avatars = [
  // A row is there before the first byte is stored, and until the last one is gone.
  `CREATE TABLE users.avatars (
     key text PRIMARY KEY,
     user_id uuid REFERENCES users.users (id) ON DELETE SET NULL,
     in_use boolean NOT NULL DEFAULT false,
     created_at timestamptz(3) NOT NULL DEFAULT clock_timestamp()
   )`,
  "CREATE INDEX avatars_user ON users.avatars (user_id)",
  "CREATE INDEX avatars_unused ON users.avatars (created_at) WHERE NOT in_use OR user_id IS NULL",
  "CREATE TABLE users.avatar_files (name text PRIMARY KEY, bytes bytea NOT NULL)",
  "ALTER TABLE users.avatar_files ALTER COLUMN bytes SET STORAGE EXTERNAL",
];

export const migration: Migration = {
  name: "UsersPeople1764000000010",
  up: [...directory, ...subscriptions, ...emailChanges, ...avatars],
  down: [
    "DROP TABLE users.avatar_files, users.avatars",
    "ALTER TABLE users.email_changes DROP COLUMN epoch, DROP COLUMN mails_sent",
    "DROP INDEX users.subscriptions_expiry",
    "ALTER TABLE users.users DROP COLUMN subscription_event_id",
    "DROP TRIGGER users_directory ON users.users",
    "DROP TRIGGER profiles_directory ON users.profiles",
    "DROP FUNCTION users.list_user, users.list_profile, users.list_in_directory, users.fold",
    "DROP TABLE users.directory",
  ],
};
