import type { Migration } from "../../../mixins/migration.ts";
import { migration as tables } from "./1764000000200-tables.ts";
import { migration as oauth } from "./1764000000300-oauth.ts";
import { migration as oauthCookies } from "./1764000000310-oauth-cookies.ts";
import { migration as erasure } from "./1764000000400-erasure.ts";

export const migrations: readonly Migration[] = [tables, oauth, oauthCookies, erasure];
