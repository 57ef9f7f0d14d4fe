import { AppError, type PlainError } from "../lib/actions/errors.ts";
import type { ActionContext } from "../lib/actions/typed-call.ts";
import { sqlState } from "../lib/database/database-errors.ts";
import type { RowOf } from "../lib/database/entity.ts";
import type { Transaction, TransactionSource } from "./database/database.mixin.ts";
import type { ServiceEntities } from "./service-tables/service-tables.entities.ts";

type Context = Pick<ActionContext, "idempotency" | "markReplayed">;
type Request = NonNullable<ActionContext["idempotency"]>;

/** What a request does once, however often it is sent with the same idempotency key. */
interface UseCase<T extends Transaction, P, C, R> {
  /** Whose answer this is: erasing the user erases the kept answer. */
  readonly userId: string | null;
  /**
   * Checks, remote calls and slow work, before the transaction. Skipped for a kept answer, which they might refuse: a
   * token is spent by then. What it refuses is not kept.
   */
  prepare?(): Promise<P>;
  /** Decides. What it resolves to is kept under the key. Without it, what `prepare` resolved to is kept. */
  commit?(tx: T, prepared: P): Promise<C>;
  /**
   * Follows the commit and makes the answer of it. It runs for a kept answer too, so that a repeated request confirms what
   * an earlier one could not: its effects must be idempotent by an id that `commit` decided.
   */
  after?(committed: C): Promise<R>;
}

/** What the first request leaves for those that repeat it. */
type KeptAnswer<C> = { readonly result: C } | { readonly error: Pick<PlainError, "type" | "message" | "data"> };

interface Row<C> extends Pick<RowOf<ServiceEntities["idempotency"]>, "body_kid" | "body_mac"> {
  readonly answer: KeptAnswer<C> | null;
}

/**
 * Runs a use case. With an idempotency key, the key's row is inserted before anything else in the transaction: of
 * concurrent requests one does the work and the others get its answer. A permanent refusal (4xx) by `commit` is kept too:
 * what it wrote is rolled back, the refusal commits. Another body under the same key is 422, a first request that is
 * still running 409.
 */
export async function runIdempotently<T extends Transaction, P, C = P, R = C>(
  db: TransactionSource<T>,
  ctx: Context,
  useCase: UseCase<T, P, C, R>,
): Promise<R> {
  const committed = open(await decide(db, ctx, useCase));
  return useCase.after ? useCase.after(committed) : (committed as unknown as R);
}

async function decide<T extends Transaction, P, C, R>(
  db: TransactionSource<T>,
  ctx: Context,
  useCase: UseCase<T, P, C, R>,
): Promise<KeptAnswer<C>> {
  const kept = useCase.prepare && (await findKept<C>(db, ctx));
  if (kept) return kept;
  let prepared: P;
  try {
    prepared = (await useCase.prepare?.()) as P;
  } catch (error) {
    // The first request with this key may have committed since, and be the reason for the refusal.
    const meanwhile = await findKept<C>(db, ctx);
    if (meanwhile) return meanwhile;
    throw error;
  }
  return commit(db, ctx, useCase, prepared);
}

async function commit<T extends Transaction, P, C, R>(
  db: TransactionSource<T>,
  ctx: Context,
  useCase: UseCase<T, P, C, R>,
  prepared: P,
): Promise<KeptAnswer<C>> {
  const request = ctx.idempotency;
  const work = async (tx: T) => (useCase.commit ? useCase.commit(tx, prepared) : (prepared as unknown as C));
  if (!request) return { result: useCase.commit ? await db.transaction(work) : (prepared as unknown as C) };
  return db.transaction(async (tx) => {
    const kept = await claimKey<C>(db.schema, tx, request, useCase.userId);
    if (kept) {
      ctx.markReplayed();
      return kept;
    }
    const answer = await attempt(tx, work);
    await tx.query(`UPDATE ${db.schema}.idempotency SET answer = $3 WHERE scope = $1 AND key = $2`, [
      request.scope,
      request.key,
      JSON.stringify(answer),
    ]);
    return answer;
  });
}

async function findKept<C>(
  db: Pick<TransactionSource, "schema" | "query">,
  ctx: Context,
): Promise<KeptAnswer<C> | null> {
  if (!ctx.idempotency) return null;
  const row = await findRow<C>(db.schema, db, ctx.idempotency);
  if (!row) return null;
  const answer = checkRow(row, ctx.idempotency);
  ctx.markReplayed();
  return answer;
}

function open<C>(answer: KeptAnswer<C>): C {
  if ("result" in answer) return answer.result;
  throw new AppError(answer.error.type, { message: answer.error.message, ...answer.error.data });
}

async function claimKey<C>(
  schema: string,
  tx: Transaction,
  request: Request,
  userId: string | null,
): Promise<KeptAnswer<C> | null> {
  const [active] = request.body;
  const sql = `INSERT INTO ${schema}.idempotency (scope, key, body_kid, body_mac, user_id) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING key`;
  const won = await tx.query(sql, [request.scope, request.key, active?.kid, active?.mac, userId]).catch(whileOtherRuns);
  if (won.length === 1) return null;
  const row = await findRow<C>(schema, tx, request);
  if (!row) throw new AppError("request_in_progress", { retry_after: 1 });
  return checkRow(row, request);
}

async function findRow<C>(
  schema: string,
  on: Pick<Transaction, "query">,
  request: Request,
): Promise<Row<C> | undefined> {
  const sql = `SELECT body_kid, body_mac, answer FROM ${schema}.idempotency WHERE scope = $1 AND key = $2`;
  const [row] = await on.query<Row<C>>(sql, [request.scope, request.key]);
  return row;
}

function checkRow<C>(row: Row<C>, request: Request): KeptAnswer<C> {
  const known = request.body.find((one) => one.kid === row.body_kid);
  if (!known)
    throw new AppError("service_unavailable", {
      retry_after: 1,
      cause: new Error(`SECRET_KEY has no key ${row.body_kid}`),
    });
  if (known.mac !== row.body_mac) throw new AppError("idempotency_key_reused");
  if (!row.answer) throw new AppError("account_erased");
  return row.answer;
}

/** The insert waits for the first request's commit, at most lock_timeout. */
function whileOtherRuns(error: unknown): never {
  throw sqlState(error) === "55P03" ? new AppError("request_in_progress", { retry_after: 1, cause: error }) : error;
}

async function attempt<T extends Transaction, C>(tx: T, work: (tx: T) => Promise<C>): Promise<KeptAnswer<C>> {
  await tx.query("SAVEPOINT attempt");
  try {
    return { result: await work(tx) };
  } catch (error) {
    if (!(error instanceof AppError) || !isPermanent(error)) throw error;
    await tx.query("ROLLBACK TO SAVEPOINT attempt");
    return { error: { type: error.type, message: error.message, data: error.data } };
  }
}

function isPermanent(error: AppError): boolean {
  return error.status >= 400 && error.status < 500 && error.status !== 401 && error.status !== 429;
}
