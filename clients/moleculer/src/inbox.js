/** The table that `handleOnce` writes to. Create it in the database that the effects are in. */
export const inboxTable = `CREATE TABLE IF NOT EXISTS usermesh_inbox (
  event_id uuid PRIMARY KEY,
  handled_at timestamptz NOT NULL DEFAULT now()
)`;

/**
 * Runs `effect` in a transaction with the id of the event, once however often the event is delivered. If the process dies
 * before the commit, neither is there and the event is delivered again; if it dies after it, the second delivery has no effect.
 */
export async function handleOnce(pool, event, effect) {
  const client = await pool.connect();
  let failure;
  // A connection that breaks rejects its next query. It also emits an error, which would end the process if nobody listened.
  const ignore = () => undefined;
  client.on("error", ignore);
  try {
    await client.query("BEGIN");
    if (await claim(client, event.event_id)) await effect(client);
    await client.query("COMMIT");
  } catch (error) {
    failure = error;
    await client.query("ROLLBACK").catch(() => undefined);
    throw error;
  } finally {
    // A connection that failed may still be in the transaction, so the pool must not give it to anyone else.
    client.release(failure);
    client.off("error", ignore);
  }
}

/** A concurrent transaction with the same id waits here until the first one has ended. */
async function claim(client, eventId) {
  const sql = "INSERT INTO usermesh_inbox (event_id) VALUES ($1) ON CONFLICT DO NOTHING";
  return (await client.query(sql, [eventId])).rowCount === 1;
}
