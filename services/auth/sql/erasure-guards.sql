-- See mixins/service-tables/sql/erasure-guards.sql.

CREATE OR REPLACE TRIGGER skip_erased BEFORE INSERT ON auth.credentials
  FOR EACH ROW EXECUTE FUNCTION auth.skip_erased();

CREATE OR REPLACE TRIGGER skip_erased BEFORE INSERT ON auth.identities
  FOR EACH ROW EXECUTE FUNCTION auth.skip_erased();

CREATE OR REPLACE TRIGGER skip_erased BEFORE INSERT ON auth.one_time_tokens
  FOR EACH ROW WHEN (NEW.user_id IS NOT NULL) EXECUTE FUNCTION auth.skip_erased();

CREATE OR REPLACE TRIGGER skip_erased BEFORE INSERT ON auth.login_attempts
  FOR EACH ROW WHEN (NEW.user_id IS NOT NULL) EXECUTE FUNCTION auth.skip_erased();

CREATE OR REPLACE TRIGGER skip_erased BEFORE INSERT ON auth.oauth_states
  FOR EACH ROW WHEN (NEW.user_id IS NOT NULL) EXECUTE FUNCTION auth.skip_erased();

CREATE OR REPLACE TRIGGER skip_erased BEFORE INSERT ON auth.oauth_codes
  FOR EACH ROW EXECUTE FUNCTION auth.skip_erased();
