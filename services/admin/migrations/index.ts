import type { Migration } from "../../../mixins/migration.ts";
import { migration as tables } from "./1764000000001-tables.ts";
import { migration as erasure } from "./1764000000404-erasure.ts";
import { migration as signIns } from "./1764000000500-sign-ins.ts";
import { migration as appendOnly } from "./1764000000510-append-only.ts";

export const migrations: readonly Migration[] = [tables, erasure, signIns, appendOnly];
