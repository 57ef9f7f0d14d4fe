const BATCH_SIZE = 500;
const MAX_BATCHES = 20;

interface Resealing<Row> {
  /** Up to `limit` rows sealed under another key than the active one. */
  list(limit: number): Promise<readonly Row[]>;
  /** Seals one row under the active key. Resolves to false if the row has changed in the meantime. */
  reseal(row: Row): Promise<boolean>;
  /** Called at the end with the first row that failed, and the number of all. */
  onFailure(row: Row, error: Error, failed: number): void;
}

/**
 * After a rotation of the key ring, moves stored data to the active key, up to 10,000 rows per run. A row that cannot be
 * decrypted is reported and skipped. Resolves to the number of rows moved.
 */
export async function resealRows<Row>({ list, reseal, onFailure }: Resealing<Row>): Promise<number> {
  let total = 0;
  let failed = 0;
  let first: { readonly row: Row; readonly error: Error } | undefined;
  for (let batch = 0; batch < MAX_BATCHES; batch += 1) {
    let resealed = 0;
    for (const row of await list(BATCH_SIZE)) {
      try {
        if (await reseal(row)) resealed += 1;
      } catch (error) {
        failed += 1;
        first ??= { row, error: error as Error };
      }
    }
    total += resealed;
    if (resealed < BATCH_SIZE) break;
  }
  if (first) onFailure(first.row, first.error, failed);
  return total;
}
