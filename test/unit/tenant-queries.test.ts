import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { entities } from "../support/data/entities.ts";

/**
 * Every statement on a table with rows of tenants or users is restricted to a tenant or to one unguessable key (the id of
 * an account or session, a hash). If the key comes from a client, the code compares the row's tenant, which the tenant
 * walk in test/security checks. Statements over all tenants are listed here with their reason.
 */
const overAll: Readonly<Record<string, string>> = {
  "users/profile/avatars.repo.ts listUnusedAvatars": "sweep",
  "users/email-change/email-changes.repo.ts listOutdatedChanges": "sweep",
  "users/email-change/email-changes.repo.ts dropClosedChanges": "sweep",
  "users/erasure/erasures.repo.ts listDueErasures": "the erasures that are due",
  "users/erasure/erasures.repo.ts listPurgesDue": "the purges that are due",
  "users/erasure/erasures.repo.ts countErasures": "figure of the installation",
  "users/core/users.repo.ts findTenantId": "a tenant by its slug",
  "users/transfer/import.repo.ts findTenantIds": "tenants by their slugs",
  "users/profile/profiles.repo.ts profilesNotUnder": "change of keys",
  "users/account/snapshots.repo.ts readSnapshotPage": "snapshot of a new stream",
  "users/subscriptions/subscriptions.repo.ts listExpired": "the subscriptions that have run out",
  "users/directory/user-list.repo.ts countAll": "figure of the installation",
  "auth/password/credentials.repo.ts listUnconfirmedCredentials": "sweep",
  "auth/password/credentials.repo.ts listCredentialsNotUnder": "change of keys",
  "auth/password/credentials.repo.ts listOnePerLabel": "maintenance of imported hashes",
  "auth/password/credentials.repo.ts listCredentialsWithLabels": "maintenance of imported hashes",
  "users/erasure/erasures.repo.ts listOpenErasures": "list for operators",
  "auth/oauth/identities.repo.ts countByIssuer": "figure of the installation",
  "auth/oauth/identities.repo.ts deleteOldPictureUrls": "sweep",
  "sessions/session/sessions.repo.ts countAllLiveSessions": "figure of the installation",
  "preferences/preferences.repo.ts listUnconfirmed": "sweep",
  "admin/activity/activity.repo.ts countSignIns": "figure of the installation",
  "webhooks/deliveries/deliveries.repo.ts sweepDeliveries": "sweep",
  "webhooks/endpoints/endpoints.repo.ts deleteExpiredSecrets": "sweep",
  "webhooks/endpoints/endpoints.repo.ts endpointsNotUnder": "change of keys",
  "webhooks/webhooks.service.ts SEALED_SECRETS": "change of keys",
};

/** Joined with a restricted row, or built from conditions whose types require the tenant or the caller. */
const builtOnATenant = new Set([
  "users/account/sign-in.repo.ts findByName",
  "auth/oauth/identities.repo.ts findOwners",
  "auth/one-time-tokens/one-time-tokens.repo.ts SUPERSEDED",
  "users/transfer/import.repo.ts findConflicts",
  "users/directory/people.repo.ts selectPeople",
  "users/directory/user-list.repo.ts selectUsers",
  "users/directory/user-list.repo.ts countUsers",
  "admin/activity/activity.repo.ts selectActivity",
  "admin/activity/activity.repo.ts countActivity",
]);

const root = join(import.meta.dirname, "../../services");
const schemas = Object.keys(entities);
const mine = /\b(?:tenant_id|user_id|id|key|hash|token_id|account|actor_id)\s*=\s*(?:ANY\()?(?:ARRAY\()?[$(]/;
const mineByRepository = /\.(?:\w+)\([^;]*\b(?:tenant_id|user_id|id|key|hash|token_id|account)\b/;
const inserts = /INSERT INTO [\s\S]*\b(?:tenant_id|user_id|key)\b/;

interface Statement {
  readonly where: string;
  readonly sql: string;
}

function sources(schema: string): Array<{ file: string; text: string }> {
  const files = readdirSync(join(root, schema), { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith(".ts"),
  );
  return files.map((file) => ({
    file: `${schema}/${file}`,
    text: readFileSync(join(root, schema, file), "utf8").replaceAll(/\/\*\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, ""),
  }));
}

/** Entities with a column for the owner of a row, by their names in the code. */
function ownedEntities(schema: string): Array<{ name: string; table: string }> {
  const owned = Object.entries(entities[schema] ?? {}).filter(
    ([, { table, columns }]) => table === "users.users" || "tenant_id" in columns || "user_id" in columns,
  );
  return owned.map(([name, { table }]) => ({ name, table }));
}

function statements(): Statement[] {
  const all = schemas.flatMap(ownedEntities);
  const tables = all.map(({ table }) => table.replace(".", "\\."));
  const owned = new RegExp(`\\b(?:FROM|JOIN|INTO|UPDATE) (?:${tables.join("|")})\\b`);
  const byRepository = new RegExp(`\\.repository\\((?:${all.map(({ name }) => name).join("|")})\\)[\\s\\S]*?;`, "g");
  return schemas.flatMap(sources).flatMap(({ file, text }) =>
    text.split(/^(?=(?:export )?(?:async )?(?:function|const) \w+)/m).flatMap((part) => {
      const name = /(?:function|const) (\w+)/.exec(part)?.[1] ?? "";
      const texts = part.match(/`(?:[^`\\]|\\.)*`|"(?:[^"\\\n]|\\.)*"/g) ?? [];
      const found = [...texts.filter((sql) => owned.test(sql)), ...(part.match(byRepository) ?? [])];
      return found.map((sql) => ({ where: `${file} ${name}`, sql }));
    }),
  );
}

const narrows = ({ sql }: Statement): boolean =>
  sql.startsWith(".repository")
    ? mineByRepository.test(sql) || sql.includes(").insert")
    : mine.test(sql) || inserts.test(sql);

describe("every query is restricted to a tenant or a key", () => {
  const all = statements();

  test("the queries are found", () => {
    expect(all.length).toBeGreaterThan(130);
    expect(schemas.flatMap(ownedEntities).map(({ table }) => table)).toEqual(
      expect.arrayContaining(["users.role_members", "auth.identities", "sessions.sessions", "admin.activity"]),
    );
    expect(new Set(schemas.filter((schema) => all.some(({ where }) => where.startsWith(schema))))).toEqual(
      new Set(schemas),
    );
  });

  test("each is restricted to a tenant or one key, or listed as an exception", () => {
    const open = all.filter((one) => !narrows(one) && !(one.where in overAll) && !builtOnATenant.has(one.where));
    expect(open.map(({ where, sql }) => `${where}: ${sql.replaceAll(/\s+/g, " ")}`)).toEqual([]);
  });

  test("the exceptions contain no query that is gone or restricted", () => {
    const wide = new Set(all.filter((one) => !narrows(one)).map(({ where }) => where));
    expect([...Object.keys(overAll), ...builtOnATenant].filter((where) => !wide.has(where))).toEqual([]);
  });
});
