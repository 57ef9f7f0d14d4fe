import { DEFAULT_TENANT_ID } from "../../../lib/actions/caller.ts";
import type { ParamsOf, ResultOf } from "../../../lib/actions/contract.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import type { Clock } from "../../../lib/runtime/clock.ts";
import type { Database, Transaction } from "../../../mixins/database/database.mixin.ts";
import { assertRecentId } from "../account/create-user.ts";
import { appendUserEvents } from "../core/user-events.ts";
import type { UsersDeps } from "../core/users.deps.ts";
import { lockAccountLimit } from "../tenants/tenant-limit.ts";
import { countAccounts } from "../tenants/tenants.repo.ts";
import type { usersContract } from "../users.contract.ts";
import {
  type Conflict,
  findConflicts,
  findTenantIds,
  type ImportRow,
  insertImport,
  nameInstallation,
  removeImported,
} from "./import.repo.ts";
import { accountKeys, accountRow, classifyImport, profileRow, refusalWithCode } from "./import-account.ts";

type Params = ParamsOf<typeof usersContract, "import">;
type Account = Params["accounts"][number];
type Result = ResultOf<typeof usersContract, "import">;
type Refusal = Result["refused"][number];
type Deps = Pick<UsersDeps, "db" | "outbox" | "clock" | "ring">;

/**
 * Called before credentials and preferences are stored, so that none are stored for accounts that exist already, when a
 * file or a batch whose answer was lost is imported again.
 */
export async function importable(
  { db }: { readonly db: Database },
  { params }: ActionContext<ParamsOf<typeof usersContract, "importable">>,
): Promise<ResultOf<typeof usersContract, "importable">> {
  const tenants = await tenantsOf(db, params.accounts);
  const { accepted, refused } = classifyImport(params.accounts, (account) => accountKeys(account, tenants));
  const { existing, conflicts } = resolveConflicts(await findConflicts(db, accepted));
  const installation = await nameInstallation(db, DEFAULT_TENANT_ID);
  return { installation, imported: existing, refused: [...refused, ...conflicts] };
}

/** If more events than this are pending, those of the import would delay those of new registrations. */
const MAX_PENDING_EVENTS = 5_000;
/** Slightly shorter than the action's timeout. */
const STATEMENT_TIMEOUT = "25s";

export async function importUsers(deps: Deps, ctx: ActionContext<Params>): Promise<Result> {
  const { db, outbox, clock } = deps;
  assertRecentId(clock, ctx.params.batch);
  if ((await outbox.countPending(MAX_PENDING_EVENTS)) === MAX_PENDING_EVENTS)
    throw new AppError("overloaded", { retry_after: 1 });
  const tenants = await tenantsOf(db, ctx.params.accounts);
  const { accepted: rows, refused } = classifyImport(ctx.params.accounts, (one) =>
    accountRow(one, tenants, clock.now()),
  );
  return db.transaction(async (tx) => {
    await tx.query(`SET LOCAL statement_timeout = '${STATEMENT_TIMEOUT}'`);
    const inserted = await insertImport(tx, { accounts: rows, ...dependentRows(deps, ctx.params.accounts) });
    const [imported, conflicting] = partition(rows, ({ id }) => inserted.has(id));
    const { conflicts } = resolveConflicts(await findConflicts(tx, conflicting));
    const beyondLimit = await refuseBeyondLimits(tx, imported);
    const removed = new Set(beyondLimit.map(({ id }) => id));
    await appendUserEvents(outbox, tx, ctx, imported.filter(({ id }) => !removed.has(id)).map(toEvent));
    return { refused: [...refused, ...conflicts, ...beyondLimit] };
  });
}

function tenantsOf(db: Database, accounts: ReadonlyArray<Pick<Account, "tenant">>): Promise<Map<string, string>> {
  return findTenantIds(db, [...new Set(accounts.map(({ tenant }) => tenant))]);
}

function dependentRows(
  { ring, clock }: { readonly ring: UsersDeps["ring"]; readonly clock: Clock },
  accounts: Account[],
) {
  return {
    profiles: accounts.filter(({ profile }) => profile).map((one) => profileRow(ring, one, clock.now())),
    subscriptions: accounts.flatMap(({ id, subscription }) =>
      subscription ? [{ user_id: id, plan: subscription.plan, expires_at: subscription.expires_at ?? null }] : [],
    ),
  };
}

/** An account that exists with the same id and email was imported before, by a call whose answer was lost. */
function resolveConflicts(found: readonly Conflict[]): { existing: string[]; conflicts: Refusal[] } {
  const byId = Map.groupBy(found, ({ id }) => id);
  const [same, different] = partition([...byId.values()], (all) => all.some((one) => one.same_id && one.same_email));
  return {
    existing: same.flatMap(([first]) => first?.id ?? []),
    conflicts: different.flatMap((all) => refusalOf(all) ?? []),
  };
}

function refusalOf(conflicts: readonly Conflict[]): Refusal | undefined {
  const [first] = conflicts;
  if (!first) return undefined;
  const is = (key: Exclude<keyof Conflict, "id">) => conflicts.some((one) => one[key]);
  if (is("same_email")) return refusalWithCode(first.id, "email", "email_taken");
  if (is("is_erased")) return refusalWithCode(first.id, "id", "account_erased");
  if (is("same_id"))
    return { id: first.id, field: "id", code: "id_taken", message: "An account with this id already exists." };
  if (is("same_external_id"))
    return {
      id: first.id,
      field: "external_id",
      code: "external_id_taken",
      message: "An account with this id already exists.",
    };
  return refusalWithCode(first.id, "username", "username_taken");
}

/**
 * Works as for registrations: in a tenant with a limit, writers are serialized, and the last accounts are refused. Tenants
 * are locked in the order of their ids, so that concurrent imports can't deadlock.
 */
async function refuseBeyondLimits(tx: Transaction, imported: readonly ImportRow[]): Promise<Refusal[]> {
  const refused: string[] = [];
  for (const [tenantId, accounts] of [...Map.groupBy(imported, (one) => one.tenant_id)].sort()) {
    const limit = await lockAccountLimit(tx, tenantId);
    if (limit === null) continue;
    const beyond = (await countAccounts(tx, tenantId, limit + accounts.length)) - limit;
    if (beyond > 0) refused.push(...accounts.slice(-beyond).map(({ id }) => id));
  }
  if (refused.length > 0) await removeImported(tx, refused);
  return refused.map((id) => refusalWithCode(id, "tenant", "tenant_limit_reached"));
}

function toEvent(user: ImportRow) {
  const { is_verified, is_active } = user;
  return { type: "user.created", user, data: { is_verified, is_active, imported: true } } as const;
}

function partition<T>(all: readonly T[], belongs: (one: T) => boolean): [T[], T[]] {
  return [all.filter(belongs), all.filter((one) => !belongs(one))];
}
