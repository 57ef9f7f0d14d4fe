-- See mixins/service-tables/sql/erasure-guards.sql.

CREATE OR REPLACE TRIGGER skip_erased BEFORE INSERT ON preferences.preferences
  FOR EACH ROW EXECUTE FUNCTION preferences.skip_erased();
