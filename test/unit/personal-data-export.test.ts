import { describe, expect, test } from "@jest/globals";
import { defineEntity, nullable, primary, text, uuid } from "../../lib/database/entity.ts";
import type { Database } from "../../mixins/database/database.mixin.ts";
import { type ExportSection, tableSection } from "../../mixins/personal-data/export-pages.ts";
import { exportSections as ofAdmin } from "../../services/admin/activity/activity.repo.ts";
import { exportSections as ofAuth } from "../../services/auth/transfer/personal-data.repo.ts";
import { exportSections as ofMail } from "../../services/mail/personal-data.repo.ts";
import { exportSections as ofPreferences } from "../../services/preferences/personal-data.ts";
import { exportSections as ofSessions } from "../../services/sessions/personal-data.ts";
import { exportSections as ofUsers } from "../../services/users/erasure/export.ts";
import { exportSections as ofWebhooks } from "../../services/webhooks/personal-data.ts";
import { entities } from "../support/data/entities.ts";

/** Tables with a user's rows that no export reads. */
const notExported: Readonly<Record<string, string>> = {
  "users.directory": "derived from account and profile",
  "users.erasures": "begins when the account can no longer sign in",
  "auth.oauth_states": "a sign-in under way, deleted after an hour",
  "auth.oauth_codes": "a sign-in under way, deleted after a minute",
  "sessions.accounts": "counters without personal data",
  "mail.outbox": "mail appends no events",
  "admin.outbox": "admin appends no events",
};
const internal = /\.(event_counters|erased|idempotency)$/;

async function statementsOf(schema: string, sectionsOf: (db: Database) => readonly ExportSection[]): Promise<string> {
  const statements: string[] = [];
  const query = async (sql: string) => {
    statements.push(sql);
    return [];
  };
  const db = { schema, query } as unknown as Database;
  for (const section of sectionsOf(db)) await section.read("", "");
  return statements.join("\n");
}

describe("the export of personal data", () => {
  test("has every column of a table but those omitted with a reason", async () => {
    const Things = defineEntity("auth", "things", {
      id: primary(uuid),
      user_id: uuid,
      secret: text,
      added_later: nullable(text),
    });
    const sql = await statementsOf("auth", (db) => [
      tableSection(db, { name: "things", entity: Things, orderBy: "id", omit: { secret: "a secret" } }),
    ]);
    expect(sql).toMatch(/SELECT t\.id::text AS position, t\.id, t\.added_later FROM auth\.things t/);
  });

  test.each([
    ["users", (db: Database) => ofUsers({ db } as Parameters<typeof ofUsers>[0])],
    ["auth", ofAuth],
    ["sessions", ofSessions],
    ["preferences", ofPreferences],
    ["mail", ofMail],
    ["admin", ofAdmin],
    ["webhooks", ofWebhooks],
  ] as const)(
    "reads every table of %s with rows of the user, or the table is listed with a reason",
    async (schema, sectionsOf) => {
      const sql = await statementsOf(schema, sectionsOf);
      const owned = Object.values(entities[schema] ?? {}).filter(({ columns }) => "user_id" in columns);
      const missing = owned.map(({ table }) => table).filter((table) => !sql.includes(`FROM ${table}`));
      expect(missing.filter((table) => !(table in notExported) && !internal.test(table))).toEqual([]);
    },
  );
});
