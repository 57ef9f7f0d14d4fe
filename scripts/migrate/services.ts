import { schemas } from "../../lib/database/database-roles.ts";
import type { Migration } from "../../mixins/migration.ts";

export interface MigratedSchema {
  readonly schema: string;
  readonly migrations: readonly Migration[];
}

/** Each service lists its own steps. */
export async function migratedSchemas(): Promise<MigratedSchema[]> {
  return Promise.all(
    schemas.map(async (schema) => {
      const module = (await import(`../../services/${schema}/migrations/index.ts`)) as {
        migrations: readonly Migration[];
      };
      return { schema, migrations: module.migrations };
    }),
  );
}
