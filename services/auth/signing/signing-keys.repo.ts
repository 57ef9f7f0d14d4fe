import type { Queryable } from "../../../mixins/database.mixin.ts";

/** Times in milliseconds since the epoch. */
export interface SigningKeyRow {
  readonly kid: string;
  readonly period: number;
  readonly private_jwk: string;
  readonly public_jwk: unknown;
  readonly publish_from: number;
  readonly sign_from: number;
  readonly sign_until: number;
  readonly verify_until: number;
}

interface NewSigningKey extends SigningKeyRow {
  readonly sealed_under: string;
}

const COLUMNS = `kid, period, private_jwk, public_jwk,
  (extract(epoch FROM publish_from) * 1000)::float8 AS publish_from, (extract(epoch FROM sign_from) * 1000)::float8 AS sign_from,
  (extract(epoch FROM sign_until) * 1000)::float8 AS sign_until, (extract(epoch FROM verify_until) * 1000)::float8 AS verify_until`;

/** Ordered by period. Includes the newest key even if it has expired: the next key's period follows it. */
export async function listSigningKeys(db: Queryable, now: number): Promise<SigningKeyRow[]> {
  const sql = `SELECT ${COLUMNS} FROM auth.signing_keys
    WHERE verify_until > to_timestamp($1::float8 / 1000) OR period = (SELECT max(period) FROM auth.signing_keys) ORDER BY period`;
  return db.query<SigningKeyRow>(sql, [now]);
}

/** Of several nodes that create the key of a period at once, one succeeds; the others use its key. */
export async function insertSigningKey(db: Queryable, key: NewSigningKey): Promise<boolean> {
  const sql = `INSERT INTO auth.signing_keys
      (kid, alg, period, private_jwk, sealed_under, public_jwk, publish_from, sign_from, sign_until, verify_until)
    VALUES ($1, 'EdDSA', $2, $3, $4, $5, to_timestamp($6::float8 / 1000), to_timestamp($7::float8 / 1000),
      to_timestamp($8::float8 / 1000), to_timestamp($9::float8 / 1000))
    ON CONFLICT DO NOTHING RETURNING kid`;
  const { kid, period, private_jwk, sealed_under, public_jwk, publish_from, sign_from, sign_until, verify_until } = key;
  const values = [
    kid,
    period,
    private_jwk,
    sealed_under,
    JSON.stringify(public_jwk),
    publish_from,
    sign_from,
    sign_until,
    verify_until,
  ];
  return (await db.query(sql, values)).length === 1;
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
