import type { Migration } from "../../../mixins/migration.ts";
import { migration as tables } from "./1764000000001-tables.ts";
import { migration as feed } from "./1764000000002-feed.ts";
import { migration as sessions } from "./1764000000003-sessions.ts";
import { migration as erasure } from "./1764000000401-erasure.ts";

export const migrations: readonly Migration[] = [tables, feed, sessions, erasure];
