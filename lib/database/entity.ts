import { EntitySchema, type EntitySchemaColumnOptions } from "typeorm";
import type { DatabaseNames } from "./database-roles.ts";

/** A column whose values the driver returns as `T`. */
export interface Column<T> {
  readonly options: EntitySchemaColumnOptions;
  /** Never set: carries the type. */
  readonly value?: T;
}

type Columns = Readonly<Record<string, Column<unknown>>>;
type ValueOf<C> = C extends Column<infer T> ? T : never;
type Row<C extends Columns> = { readonly [Name in keyof C]: ValueOf<C[Name]> };

/** A table with the one list of its columns. A test compares it with the database. */
export interface Entity<C extends Columns = Columns> {
  /** With its schema: `users.users`. */
  readonly table: string;
  readonly columns: C;
  readonly schema: EntitySchema<Row<C>>;
}

/** A whole row of an entity's table. */
export type RowOf<E extends Entity> = Row<E["columns"]>;

/** The names of an entity's columns. */
export type ColumnOf<E extends Entity> = keyof E["columns"] & string;

const column = <T>(type: EntitySchemaColumnOptions["type"], precision?: number): Column<T> => ({
  options: { type, ...(precision !== undefined && { precision }) },
});

export const uuid = column<string>("uuid");
export const text = column<string>("text");
export const int = column<number>("int");
/** Read as a string: it may exceed what a JavaScript number holds. */
export const bigint = column<string>("bigint");
export const boolean = column<boolean>("boolean");
export const date = column<Date>("date");
export const bytea = column<Buffer>("bytea");
/** To the microsecond, of which a Date keeps the milliseconds. */
export const timestamp = column<Date>("timestamptz");
/** To the millisecond, so that a Date equals the stored time. */
export const timestampMs = column<Date>("timestamptz", 3);
export const textOf = <T extends string>(): Column<T> => column<T>("text");
export const json = <T>(): Column<T> => column<T>("json");
export const jsonb = <T>(): Column<T> => column<T>("jsonb");

export function nullable<T>({ options }: Column<T>): Column<T | null> {
  return { options: { ...options, nullable: true } };
}

export function primary<T>({ options }: Column<T>): Column<T> {
  return { options: { ...options, primary: true } };
}

export function array<T>({ options }: Column<T>): Column<T[]> {
  return { options: { ...options, array: true } };
}

export function defineEntity<C extends Columns>(schema: string, table: string, columns: C): Entity<C> {
  const options = Object.entries(columns).map(([name, { options }]) => [name, options]);
  return {
    table: `${schema}.${table}`,
    columns,
    schema: new EntitySchema<Row<C>>({
      name: `${schema}.${table}`,
      schema,
      tableName: table,
      columns: Object.fromEntries(options),
    }),
  };
}

/** For TypeORM, with the name that its schema has in this database. */
export function withSchema({ schema }: Entity, { schemaPrefix }: Pick<DatabaseNames, "schemaPrefix">): EntitySchema {
  return new EntitySchema({ ...schema.options, schema: `${schemaPrefix}${schema.options.schema}` });
}

/** The names of all columns, but for those of `omitted`. */
export function columnNames<E extends Entity, O extends ColumnOf<E> = never>(
  { columns }: E,
  omitted: readonly O[] = [],
): Exclude<ColumnOf<E>, O>[] {
  const names = Object.keys(columns) as ColumnOf<E>[];
  return names.filter((name): name is Exclude<ColumnOf<E>, O> => !omitted.includes(name as O));
}

/** The columns that a contract's shape names too: a field that is added to both is read and shown by that alone. */
export function sharedColumns<E extends Entity, S extends object>({ columns }: E, shape: S): (ColumnOf<E> & keyof S)[] {
  return Object.keys(columns).filter((name): name is ColumnOf<E> & keyof S => name in shape);
}

/** A select list: `u.id, u.email`; without `names`, of all columns. */
export function columnsOf<E extends Entity>(
  entity: E,
  alias: string,
  names: readonly ColumnOf<E>[] = columnNames(entity),
): string {
  return names.map((name) => `${alias}.${name}`).join(", ");
}
