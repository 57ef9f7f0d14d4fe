import type { Migration } from "../../../mixins/migration.ts";

/**
 * Many accounts that come in at once are listed at once: row by row that was more than half of an import. And a row that
 * says the same already is left alone: an account that comes with its profile is listed by both triggers, and would go
 * through three text indexes twice.
 */
const many = `CREATE FUNCTION users.list_many_in_directory(p_user_ids uuid[]) RETURNS void LANGUAGE sql VOLATILE AS $$
   INSERT INTO users.directory AS d (user_id, tenant_id, names, words, industry, location, skills)
   SELECT l.* FROM (
     SELECT u.id, u.tenant_id, users.fold(concat_ws(E'\\n', u.full_name, u.username)) AS names,
       users.fold(concat_ws(E'\\n', u.full_name, u.username, u.current_title, u.company, s.text)) AS words,
       users.fold(p.industry) AS industry, users.fold(u.location) AS location, coalesce(s.keys, '{}') AS skills
     FROM users.users u LEFT JOIN users.profiles p ON p.user_id = u.id
     LEFT JOIN LATERAL (SELECT string_agg(skill, E'\\n') AS text, array_agg(users.fold(skill)) AS keys
       FROM jsonb_array_elements_text(p.skills) AS skill) AS s ON true
     WHERE u.id = ANY(p_user_ids)
   ) AS l LEFT JOIN users.directory AS present ON present.user_id = l.id
   WHERE (present.names, present.words, present.industry, present.location, present.skills)
     IS DISTINCT FROM (l.names, l.words, l.industry, l.location, l.skills)
   ON CONFLICT (user_id) DO UPDATE SET names = excluded.names, words = excluded.words, industry = excluded.industry,
     location = excluded.location, skills = excluded.skills
 $$`;

const triggers = [
  ["users", "id", "full_name, username, current_title, company, location"],
  ["profiles", "user_id", "industry, skills"],
].flatMap(([table, id, columns]) => [
  `CREATE FUNCTION users.list_new_${table}() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN PERFORM users.list_many_in_directory(ARRAY(SELECT ${id} FROM fresh)); RETURN NULL; END $$`,
  `CREATE FUNCTION users.list_changed_${table}() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN PERFORM users.list_many_in_directory(ARRAY[NEW.${id}]); RETURN NULL; END $$`,
  `DROP TRIGGER ${table}_directory ON users.${table}`,
  `CREATE TRIGGER ${table}_directory_new AFTER INSERT ON users.${table} REFERENCING NEW TABLE AS fresh
     FOR EACH STATEMENT EXECUTE FUNCTION users.list_new_${table}()`,
  `CREATE TRIGGER ${table}_directory AFTER UPDATE OF ${columns} ON users.${table}
     FOR EACH ROW EXECUTE FUNCTION users.list_changed_${table}()`,
]);

const dropped = [
  ["users", "id", "full_name, username, current_title, company, location", "list_user"],
  ["profiles", "user_id", "industry, skills", "list_profile"],
].flatMap(([table, , columns, listing]) => [
  `DROP TRIGGER ${table}_directory_new ON users.${table}`,
  `DROP TRIGGER ${table}_directory ON users.${table}`,
  `DROP FUNCTION users.list_new_${table}, users.list_changed_${table}`,
  `CREATE TRIGGER ${table}_directory AFTER INSERT OR UPDATE OF ${columns} ON users.${table}
     FOR EACH ROW EXECUTE FUNCTION users.${listing}()`,
]);

export const migration: Migration = {
  name: "UsersDirectory1764000000510",
  up: [many, ...triggers],
  down: [...dropped, "DROP FUNCTION users.list_many_in_directory"],
};
