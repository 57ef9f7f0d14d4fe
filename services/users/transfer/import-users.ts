import { DEFAULT_TENANT_ID } from "../../../lib/actions/caller.ts";
import type { ParamsOf, ResultOf } from "../../../lib/actions/contract.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import type { Clock } from "../../../lib/runtime/clock.ts";
import type { Database, Transaction } from "../../../mixins/database.mixin.ts";
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
import { accountRow, classifyImport, keysOf, profileRow, refusalFor } from "./import-account.ts";

type Params = ParamsOf<typeof usersContract, "import">;
type Account = Params["accounts"][number];
type Result = ResultOf<typeof usersContract, "import">;
type Refusal = Result["refused"][number];
type Deps = Pick<UsersDeps, "db" | "outbox" | "clock" | "ring">;

/** Asked first, so that a file that is imported again leaves nothing behind, nor does a batch whose answer was lost. */
export async function importable(
  { db }: { readonly db: Database },
  { params }: ActionContext<ParamsOf<typeof usersContract, "importable">>,
): Promise<ResultOf<typeof usersContract, "importable">> {
  const tenants = await tenantsOf(db, params.accounts);
  const { made, refused } = classifyImport(params.accounts, (account) => keysOf(account, tenants));
  const { there, clashes } = resolveConflicts(await findConflicts(db, made));
  const installation = await nameInstallation(db, DEFAULT_TENANT_ID);
  return { installation, imported: there, refused: [...refused, ...clashes] };
}

/** Beyond it the facts of people who sign up meanwhile would wait for those of an import. */
const MAX_WAITING = 5_000;
/** As long as the caller waits, but for the answer's way back. */
const STATEMENT_TIMEOUT = "25s";

export async function importUsers(deps: Deps, ctx: ActionContext<Params>): Promise<Result> {
  const { db, outbox, clock } = deps;
  for (const { id } of ctx.params.accounts) assertRecentId(clock, id);
  if ((await outbox.countPending(MAX_WAITING)) === MAX_WAITING) throw new AppError("overloaded", { retry_after: 1 });
  const tenants = await tenantsOf(db, ctx.params.accounts);
  const { made: rows, refused } = classifyImport(ctx.params.accounts, (one) => accountRow(one, tenants, clock.now()));
  return db.transaction(async (tx) => {
    await tx.query(`SET LOCAL statement_timeout = '${STATEMENT_TIMEOUT}'`);
    const inserted = await insertImport(tx, { accounts: rows, ...belongings(deps, ctx.params.accounts) });
    const [came, stayed] = partition(rows, ({ id }) => inserted.has(id));
    const { clashes } = resolveConflicts(await findConflicts(tx, stayed));
    const full = await assertWithinLimits(tx, came);
    const beyond = new Set(full.map(({ id }) => id));
    await appendUserEvents(outbox, tx, ctx, came.filter(({ id }) => !beyond.has(id)).map(factOf));
    return { refused: [...refused, ...clashes, ...full] };
  });
}

function tenantsOf(db: Database, accounts: ReadonlyArray<Pick<Account, "tenant">>): Promise<Map<string, string>> {
  return findTenantIds(db, [...new Set(accounts.map(({ tenant }) => tenant))]);
}

function belongings({ ring, clock }: { readonly ring: UsersDeps["ring"]; readonly clock: Clock }, accounts: Account[]) {
  return {
    profiles: accounts.filter(({ profile }) => profile).map((one) => profileRow(ring, one, clock.now())),
    subscriptions: accounts.flatMap(({ id, subscription }) =>
      subscription ? [{ user_id: id, plan: subscription.plan, expires_at: subscription.expires_at ?? null }] : [],
    ),
  };
}

/** An account that meets itself came in before, by a call whose answer was lost. */
function resolveConflicts(conflicts: readonly Conflict[]): { there: string[]; clashes: Refusal[] } {
  const found = [...Map.groupBy(conflicts, ({ id }) => id).entries()];
  const [there, clashing] = partition(found, ([, all]) => all.some((one) => one.same_id && one.same_email));
  return {
    there: there.map(([id]) => id),
    clashes: clashing.map(([id, all]) =>
      all.some((one) => one.same_email)
        ? refusalFor(id, "email", "email_taken")
        : refusalFor(id, "username", "username_taken"),
    ),
  };
}

/** As a registration: where a tenant limits its accounts, whoever adds some takes turns, and the last ones stay outside. */
async function assertWithinLimits(tx: Transaction, came: readonly ImportRow[]): Promise<Refusal[]> {
  const refused: string[] = [];
  for (const [tenantId, accounts] of [...Map.groupBy(came, (one) => one.tenant_id)].sort()) {
    const limit = await lockAccountLimit(tx, tenantId);
    if (limit === null) continue;
    const beyond = (await countAccounts(tx, tenantId, limit + accounts.length)) - limit;
    if (beyond > 0) refused.push(...accounts.slice(-beyond).map(({ id }) => id));
  }
  if (refused.length > 0) await removeImported(tx, refused);
  return refused.map((id) => refusalFor(id, "tenant", "tenant_limit_reached"));
}

function factOf(user: ImportRow) {
  const { is_verified, is_active } = user;
  return { type: "user.created", user, data: { is_verified, is_active, imported: true } } as const;
}

function partition<T>(all: readonly T[], belongs: (one: T) => boolean): [T[], T[]] {
  return [all.filter(belongs), all.filter((one) => !belongs(one))];
}
