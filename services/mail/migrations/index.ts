import type { Migration } from "../../../mixins/migration.ts";
import { migration as tables } from "./1764000000001-tables.ts";
import { migration as erasure } from "./1764000000403-erasure.ts";
import { migration as pushes } from "./1764000000530-pushes.ts";

export const migrations: readonly Migration[] = [tables, erasure, pushes];
