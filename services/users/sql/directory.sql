-- Keeps users.directory, the table behind the search for people, in step with accounts and profiles. Triggers do it, so
-- that no statement that writes one of these fields can forget it.

CREATE OR REPLACE FUNCTION users.fold(p_text text) RETURNS text
  LANGUAGE sql IMMUTABLE AS $$
  SELECT lower(normalize(p_text, NFKC))
$$;

-- Writes the rows of many accounts in one statement: row by row it was more than half of the cost of an import. A row
-- that would not change is left alone, because an account inserted together with its profile fires two triggers and
-- would be written to three text indexes twice.
CREATE OR REPLACE FUNCTION users.refresh_directory(p_user_ids uuid[]) RETURNS void
  LANGUAGE sql VOLATILE AS $$
  INSERT INTO users.directory (user_id, tenant_id, names, words, industry, location, skills)
  SELECT entry.*
  FROM (
    SELECT u.id, u.tenant_id,
      users.fold(concat_ws(E'\n', u.full_name, u.username)) AS names,
      users.fold(concat_ws(E'\n', u.full_name, u.username, u.current_title, u.company, s.text)) AS words,
      users.fold(p.fields ->> 'industry') AS industry,
      users.fold(u.location) AS location,
      coalesce(s.keys, '{}') AS skills
    FROM users.users AS u
    LEFT JOIN users.profiles AS p ON p.user_id = u.id
    LEFT JOIN LATERAL (
      SELECT string_agg(skill, E'\n') AS text, array_agg(users.fold(skill)) AS keys
      FROM jsonb_array_elements_text(p.fields -> 'skills') AS skill
    ) AS s ON true
    WHERE u.id = ANY(p_user_ids)
  ) AS entry
  LEFT JOIN users.directory AS present ON present.user_id = entry.id
  WHERE (present.names, present.words, present.industry, present.location, present.skills)
    IS DISTINCT FROM (entry.names, entry.words, entry.industry, entry.location, entry.skills)
  ON CONFLICT (user_id) DO UPDATE SET names = excluded.names, words = excluded.words, industry = excluded.industry,
    location = excluded.location, skills = excluded.skills
$$;

CREATE OR REPLACE FUNCTION users.refresh_directory_of_new_users() RETURNS trigger
  LANGUAGE plpgsql AS $$
BEGIN
  PERFORM users.refresh_directory(ARRAY(SELECT id FROM inserted));
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION users.refresh_directory_of_user() RETURNS trigger
  LANGUAGE plpgsql AS $$
BEGIN
  PERFORM users.refresh_directory(ARRAY[NEW.id]);
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION users.refresh_directory_of_new_profiles() RETURNS trigger
  LANGUAGE plpgsql AS $$
BEGIN
  PERFORM users.refresh_directory(ARRAY(SELECT user_id FROM inserted));
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION users.refresh_directory_of_profile() RETURNS trigger
  LANGUAGE plpgsql AS $$
BEGIN
  PERFORM users.refresh_directory(ARRAY[NEW.user_id]);
  RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER directory_insert AFTER INSERT ON users.users
  REFERENCING NEW TABLE AS inserted
  FOR EACH STATEMENT EXECUTE FUNCTION users.refresh_directory_of_new_users();

CREATE OR REPLACE TRIGGER directory_update
  AFTER UPDATE OF full_name, username, current_title, company, location ON users.users
  FOR EACH ROW EXECUTE FUNCTION users.refresh_directory_of_user();

CREATE OR REPLACE TRIGGER directory_insert AFTER INSERT ON users.profiles
  REFERENCING NEW TABLE AS inserted
  FOR EACH STATEMENT EXECUTE FUNCTION users.refresh_directory_of_new_profiles();

CREATE OR REPLACE TRIGGER directory_update AFTER UPDATE OF fields ON users.profiles
  FOR EACH ROW EXECUTE FUNCTION users.refresh_directory_of_profile();
