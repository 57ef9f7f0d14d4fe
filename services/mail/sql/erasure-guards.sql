-- See mixins/service-tables/sql/erasure-guards.sql.

CREATE OR REPLACE TRIGGER skip_erased BEFORE INSERT ON mail.messages
  FOR EACH ROW EXECUTE FUNCTION mail.skip_erased();

CREATE OR REPLACE TRIGGER skip_erased BEFORE INSERT ON mail.pushes
  FOR EACH ROW EXECUTE FUNCTION mail.skip_erased();
