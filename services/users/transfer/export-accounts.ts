import type { ParamsOf, ResultOf } from "../../../lib/actions/contract.ts";
import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import { isoOrNull } from "../core/user-view.ts";
import type { UsersDeps } from "../core/users.deps.ts";
import { findTenantId } from "../core/users.repo.ts";
import { givenFields, viewProfile } from "../profile/profile-view.ts";
import { unknownTenant } from "../tenants/tenant-settings.ts";
import type { usersContract } from "../users.contract.ts";
import type { ProfileRow } from "../users.entities.ts";
import { type ExportRow, readAccountsAfter, readProfiles } from "./export-accounts.repo.ts";

type Result = ResultOf<typeof usersContract, "exportAccounts">;
type Account = Result["accounts"][number];

const PAGE = 250;
/**
 * A message is limited to 1 MB. A page ends after the account that exceeds this size, and one account may have a quarter
 * of a megabyte.
 */
const TARGET_BYTES = 400_000;

export async function exportAccounts(
  { db, ring }: Pick<UsersDeps, "db" | "ring">,
  { params: { tenant, after } }: ActionContext<ParamsOf<typeof usersContract, "exportAccounts">>,
): Promise<Result> {
  const tenantId = tenant === undefined ? null : await findTenantId(db, tenant);
  if (tenantId === undefined) throw unknownTenant();
  const rows = await readAccountsAfter(db, { tenantId, after, limit: PAGE });
  const profiles = await readProfiles(
    db,
    rows.map(({ id }) => id),
  );
  const accounts = upToTargetBytes(rows.map((row) => viewAccount(ring, row, profiles.get(row.id))));
  const last = rows[accounts.length - 1];
  const isMore = accounts.length < rows.length || rows.length === PAGE;
  return { accounts, next: last && isMore ? positionOf(last) : null };
}

function positionOf({ tenant_id, created_at, id }: ExportRow) {
  return { tenant_id, created_at: created_at.toISOString(), id };
}

function upToTargetBytes(accounts: readonly Account[]): Account[] {
  let bytes = 0;
  const end = accounts.findIndex((account) => {
    bytes += Buffer.byteLength(JSON.stringify(account));
    return bytes >= TARGET_BYTES;
  });
  return end === -1 ? [...accounts] : accounts.slice(0, end + 1);
}

function viewAccount(ring: UsersDeps["ring"], row: ExportRow, profile: ProfileRow | undefined): Account {
  const { tenant_id: _, plan, expires_at, created_at, last_login_at, ...account } = row;
  return {
    ...account,
    created_at: created_at.toISOString(),
    last_login_at: isoOrNull(last_login_at),
    subscription: plan === null ? null : { plan, expires_at: isoOrNull(expires_at) },
    ...(profile && { profile: givenFields(viewProfile(ring, profile)) }),
  };
}
