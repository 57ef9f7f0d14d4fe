import { columnsOf, type RowOf } from "../../../lib/database/entity.ts";
import type { Queryable, Transaction } from "../../../mixins/database/database.mixin.ts";
import { SigningKeys } from "../auth.entities.ts";

type Row = RowOf<typeof SigningKeys>;

const FIELDS = ["kid", "alg", "period", "private_jwk", "public_jwk"] as const;
const TIMES = ["publish_from", "sign_from", "sign_until", "verify_until"] as const;

type Times = { readonly [Name in (typeof TIMES)[number]]: number };

/** Times in milliseconds since the epoch. */
export type SigningKeyRow = Pick<Row, (typeof FIELDS)[number]> & Times;

type NewSigningKey = SigningKeyRow & Pick<Row, "sealed_under">;

const COLUMNS = [
  columnsOf(SigningKeys, "k", FIELDS),
  ...TIMES.map((name) => `(extract(epoch FROM ${name}) * 1000)::float8 AS ${name}`),
].join(", ");

/** Ordered by period. Includes the newest key even if it has expired: the next key's period follows it. */
export async function listSigningKeys(db: Queryable, now: number): Promise<SigningKeyRow[]> {
  const sql = `SELECT ${COLUMNS} FROM auth.signing_keys k
    WHERE verify_until > to_timestamp($1::float8 / 1000) OR period = (SELECT max(period) FROM auth.signing_keys) ORDER BY period`;
  return db.query<SigningKeyRow>(sql, [now]);
}

/** Of several nodes that create the key of a period at once, one succeeds; the others use its key. */
export function insertSigningKey(db: Queryable, key: NewSigningKey): Promise<boolean> {
  const { publish_from, sign_from, sign_until, verify_until, ...fields } = key;
  return db.repository(SigningKeys).insertOrIgnore({
    ...fields,
    publish_from: new Date(publish_from),
    sign_from: new Date(sign_from),
    sign_until: new Date(sign_until),
    verify_until: new Date(verify_until),
  });
}

/** All that have not expired, the newest first. */
export function listKeyTimes(
  db: Queryable,
  now: number,
): Promise<Array<SigningKeyRow & { readonly sealed_under: string }>> {
  const sql = `SELECT ${COLUMNS}, sealed_under FROM auth.signing_keys k
    WHERE verify_until > to_timestamp($1::float8 / 1000) ORDER BY period DESC`;
  return db.query(sql, [now]);
}

/** Ends the keys before `period`: they sign until `signUntil` and verify until `verifyUntil`. One that has not signed yet is deleted. */
export async function endEarlierKeys(
  tx: Transaction,
  period: number,
  { signUntil, verifyUntil }: { readonly signUntil: number; readonly verifyUntil: number },
): Promise<void> {
  await tx.query("DELETE FROM auth.signing_keys WHERE period < $1 AND sign_from >= to_timestamp($2::float8 / 1000)", [
    period,
    signUntil,
  ]);
  await tx.query(
    `UPDATE auth.signing_keys SET sign_until = to_timestamp($2::float8 / 1000), verify_until = to_timestamp($3::float8 / 1000)
     WHERE period < $1 AND sign_until > to_timestamp($2::float8 / 1000)`,
    [period, signUntil, verifyUntil],
  );
}

/** Keeps the newest key: the next key's period follows it. */
export async function deleteExpiredSigningKeys(db: Queryable, now: number): Promise<number> {
  const sql = `DELETE FROM auth.signing_keys WHERE verify_until <= to_timestamp($1::float8 / 1000)
    AND period < (SELECT max(period) FROM auth.signing_keys) RETURNING kid`;
  return (await db.query(sql, [now])).length;
}

export async function listSigningKeysNotUnder(
  db: Queryable,
  kid: string,
): Promise<Array<Pick<SigningKeyRow, "kid" | "private_jwk">>> {
  return db.query("SELECT kid, private_jwk FROM auth.signing_keys WHERE sealed_under <> $1", [kid]);
}

export async function resealSigningKey(
  db: Queryable,
  kid: string,
  before: string,
  after: string,
  under: string,
): Promise<boolean> {
  const sql =
    "UPDATE auth.signing_keys SET private_jwk = $3, sealed_under = $4 WHERE kid = $1 AND private_jwk = $2 RETURNING kid";
  return (await db.query(sql, [kid, before, after, under])).length === 1;
}
