-- See mixins/service-tables/sql/erasure-guards.sql.

CREATE OR REPLACE TRIGGER skip_erased BEFORE INSERT ON sessions.sessions
  FOR EACH ROW EXECUTE FUNCTION sessions.skip_erased();
