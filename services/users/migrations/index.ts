import type { Migration } from "../../../mixins/migration.ts";
import { migration as tables } from "./1764000000001-tables.ts";
import { migration as people } from "./1764000000010-people.ts";
import { migration as governance } from "./1764000000020-governance.ts";
import { migration as snapshots } from "./1764000000300-snapshots.ts";
import { migration as profileKeys } from "./1764000000301-profile-keys.ts";
import { migration as introspection } from "./1764000000400-introspection.ts";
import { migration as erasure } from "./1764000000405-erasure.ts";
import { migration as deleted } from "./1764000000500-deleted.ts";
import { migration as directory } from "./1764000000510-directory.ts";
import { migration as lists } from "./1764000000520-lists.ts";

export const migrations: readonly Migration[] = [
  tables,
  people,
  governance,
  snapshots,
  profileKeys,
  introspection,
  erasure,
  deleted,
  directory,
  lists,
];
