import type { MigrationInterface, QueryRunner } from "typeorm";

/** One step of a service's schema: plain SQL, forward and back. The name ends in the 13 digits that order it. */
export interface Migration {
  readonly name: string;
  readonly up: readonly string[];
  readonly down: readonly string[];
}

/** TypeORM wants classes. */
export function migrationClass(migration: Migration): new () => MigrationInterface {
  return class implements MigrationInterface {
    readonly name = migration.name;
    async up(runner: QueryRunner): Promise<void> {
      for (const sql of migration.up) await runner.query(sql);
    }
    async down(runner: QueryRunner): Promise<void> {
      for (const sql of migration.down) await runner.query(sql);
    }
  };
}
