import { handleOnce, inboxTable, joinMesh } from "@usermesh/moleculer";
import pg from "pg";

// A service "jobs": it keeps a copy of the users in its own database, welcomes each of them once, and offers an action.
const pool = new pg.Pool({ connectionString: process.env.JOBS_DATABASE_URL });
// An idle connection that breaks, such as at a restart of PostgreSQL, would otherwise end the process. The pool opens another one.
pool.on("error", (error) => console.error(error.message));
await pool.query(inboxTable);
await pool.query(`CREATE TABLE IF NOT EXISTS people (
  id uuid PRIMARY KEY, email text, name text, version bigint NOT NULL)`);
await pool.query("CREATE TABLE IF NOT EXISTS welcomes (user_id uuid NOT NULL)");

const mesh = await joinMesh({
  name: "jobs",
  services: [{ name: "jobs", actions: { contact: { params: { id: "string" }, handler: contact } } }],
  broker: { logLevel: "warn" },
});

await mesh.consume({ stream: "USERS", handle: (event) => handleOnce(pool, event, (client) => apply(client, event)) });
process.once("SIGTERM", () => mesh.stop().then(() => pool.end()));
console.log("ready");

async function apply(client, event) {
  // The copy is made from the events of "users" alone, because each source counts its own versions. Events with these scopes
  // are about a tenant.
  if (event.source !== "users" || event.scope === "tenant" || event.scope === "none") return;
  const isErased = event.event_type === "user.erased";
  if (isErased) await client.query("DELETE FROM welcomes WHERE user_id = $1", [event.user_id]);
  if (isErased || event.email !== undefined) await keepNewest(client, event);
  // An imported account is not a new sign-up, so nobody is welcomed.
  if (event.event_type === "user.created" && !event.imported)
    await client.query("INSERT INTO welcomes (user_id) VALUES ($1)", [event.user_id]);
}

/**
 * Inserts a missing user on `user.updated` too, because a snapshot consists of these events. Of an erased account it keeps the
 * id and the version, so that an older event that arrives later does not restore the address.
 */
async function keepNewest(client, { user_id, email = null, name = null, version }) {
  await client.query(
    `INSERT INTO people (id, email, name, version) VALUES ($1, $2, $3, $4)
     ON CONFLICT (id) DO UPDATE SET email = excluded.email, name = excluded.name, version = excluded.version
     WHERE people.version < excluded.version`,
    [user_id, email, name, version],
  );
}

/** Reads fields from Usermesh that the copy does not have. */
async function contact({ params }) {
  const user = await mesh.call("users.get", { id: params.id });
  return user && { email: user.email, title: user.current_title, is_active: user.is_active };
}
