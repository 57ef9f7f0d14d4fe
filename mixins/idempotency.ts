import { AppError, type PlainError } from "../lib/actions/errors.ts";
import type { ActionContext } from "../lib/actions/typed-call.ts";
import { sqlState } from "../lib/database/database-errors.ts";
import type { Database, Transaction } from "./database.mixin.ts";

/** What a winner leaves for all who repeat its request. */
type Answer<R> = { readonly result: R } | { readonly error: Pick<PlainError, "type" | "message" | "data"> };

interface Row<R> {
  readonly body_kid: string;
  readonly body_mac: string;
  readonly answer: Answer<R> | null;
}

/**
 * Runs `work` in a transaction. With an idempotency key the key's row is inserted before anything else, and of n
 * requests at once one does the work; the others get its answer. A lasting refusal (4xx) is kept too: what `work` wrote
 * is undone, the refusal commits. Another body under the same key is 422, a winner that is still at it 409.
 */
export async function idempotently<R>(
  db: Database,
  ctx: Pick<ActionContext, "idempotency" | "replayed">,
  userId: string | null,
  work: (tx: Transaction) => Promise<R>,
): Promise<R> {
  const request = ctx.idempotency;
  if (!request) return db.transaction(work);
  const answer = await db.transaction(async (tx) => {
    const kept = await claim<R>(db, tx, request, userId);
    if (kept) {
      ctx.replayed();
      return kept;
    }
    const fresh = await attempt(tx, work);
    await tx.query(`UPDATE ${db.schema}.idempotency SET answer = $3 WHERE scope = $1 AND key = $2`, [
      request.scope,
      request.key,
      JSON.stringify(fresh),
    ]);
    return fresh;
  });
  return open(answer);
}

/** Work in two parts: what a transaction must not wait for, and what commits. */
interface TwoParts<P, R> {
  /** Checks, calls and slow work. Not done for a kept answer, which they might refuse: the token is spent by then. */
  prepare(): Promise<P>;
  commit(tx: Transaction, prepared: P): Promise<R>;
}

/** `idempotently` for work that has a first part outside the transaction. What `prepare` refuses is not kept. */
export async function preparedIdempotently<P, R>(
  db: Database,
  ctx: Pick<ActionContext, "idempotency" | "replayed">,
  userId: string | null,
  work: TwoParts<P, R>,
): Promise<R> {
  const kept = await keptAnswer<R>(db, ctx);
  if (kept) return open(kept);
  let prepared: P;
  try {
    prepared = await work.prepare();
  } catch (error) {
    // The first one with this key may have committed since, and be the very reason of the refusal.
    const meanwhile = await keptAnswer<R>(db, ctx);
    if (meanwhile) return open(meanwhile);
    throw error;
  }
  return idempotently(db, ctx, userId, (tx) => work.commit(tx, prepared));
}

/**
 * For an effect that happens once by an id of its own and is one statement that must stay short: the key's row keeps the
 * id, and every request that carries the key runs the effect with it, which whoever comes second finds done.
 */
export async function onceById<I>(
  db: Database,
  ctx: Pick<ActionContext, "idempotency" | "replayed">,
  userId: string,
  id: I,
): Promise<I> {
  return ctx.idempotency ? idempotently(db, ctx, userId, async () => id) : id;
}

type Request = NonNullable<ActionContext["idempotency"]>;

async function keptAnswer<R>(
  db: Database,
  ctx: Pick<ActionContext, "idempotency" | "replayed">,
): Promise<Answer<R> | null> {
  if (!ctx.idempotency) return null;
  const row = await findRow<R>(db, db, ctx.idempotency);
  if (!row) return null;
  const answer = checkRow(row, ctx.idempotency);
  ctx.replayed();
  return answer;
}

function open<R>(answer: Answer<R>): R {
  if ("result" in answer) return answer.result;
  throw new AppError(answer.error.type, { message: answer.error.message, ...answer.error.data });
}

async function claim<R>(
  db: Database,
  tx: Transaction,
  request: Request,
  userId: string | null,
): Promise<Answer<R> | null> {
  const [active] = request.body;
  const sql = `INSERT INTO ${db.schema}.idempotency (scope, key, body_kid, body_mac, user_id) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING key`;
  const won = await tx.query(sql, [request.scope, request.key, active?.kid, active?.mac, userId]).catch(whileOtherRuns);
  if (won.length === 1) return null;
  const row = await findRow<R>(db, tx, request);
  if (!row) throw new AppError("request_in_progress", { retry_after: 1 });
  return checkRow(row, request);
}

async function findRow<R>(
  db: Database,
  on: Pick<Database, "query"> | Pick<Transaction, "query">,
  request: Request,
): Promise<Row<R> | undefined> {
  const sql = `SELECT body_kid, body_mac, answer FROM ${db.schema}.idempotency WHERE scope = $1 AND key = $2`;
  const [row] = await on.query<Row<R>>(sql, [request.scope, request.key]);
  return row;
}

function checkRow<R>(row: Row<R>, request: Request): Answer<R> {
  const known = request.body.find((one) => one.kid === row.body_kid);
  if (!known)
    throw new AppError("service_unavailable", {
      retry_after: 1,
      cause: new Error(`SECRET_KEY has no key ${row.body_kid}`),
    });
  if (known.mac !== row.body_mac) throw new AppError("idempotency_key_reused");
  if (!row.answer) throw new AppError("user_erased");
  return row.answer;
}

/** The insert waits for the winner's commit, at most lock_timeout. */
function whileOtherRuns(error: unknown): never {
  throw sqlState(error) === "55P03" ? new AppError("request_in_progress", { retry_after: 1, cause: error }) : error;
}

async function attempt<R>(tx: Transaction, work: (tx: Transaction) => Promise<R>): Promise<Answer<R>> {
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
