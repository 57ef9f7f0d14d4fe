import type { Migration } from "../../../mixins/migration.ts";

export const migration: Migration = {
  name: "MailPushes1764000000530",
  up: [
    // A push has its text from whoever asks for it, so it is kept here until it is sent, and no longer.
    `CREATE TABLE mail.pushes (
       id uuid PRIMARY KEY,
       user_id uuid NOT NULL,
       title text,
       body text,
       data jsonb,
       state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sent', 'skipped')),
       reason text,
       locked_by uuid,
       locked_until timestamptz,
       sent_at timestamptz,
       created_at timestamptz NOT NULL DEFAULT clock_timestamp()
     )`,
    "CREATE INDEX pushes_created ON mail.pushes (created_at)",
    "CREATE INDEX pushes_user ON mail.pushes (user_id)",
    `CREATE TRIGGER skip_erased BEFORE INSERT ON mail.pushes
       FOR EACH ROW WHEN (NEW.user_id IS NOT NULL) EXECUTE FUNCTION mail.skip_erased_by_user_id()`,
  ],
  down: ["DROP TABLE mail.pushes"],
};
