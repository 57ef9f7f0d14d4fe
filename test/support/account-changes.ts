import { systemClock } from "../../lib/clock.ts";
import type { EventType } from "../../lib/events.ts";
import { newId } from "../../lib/ids.ts";
import { callAsService } from "../../lib/mesh.ts";
import { startBroker } from "./broker.ts";
import type { TestMesh } from "./test-mesh.ts";

interface Target {
  readonly id: string;
}

/** What outdates access tokens, step by step as the service of accounts does it: the change and its event in one commit, then the call. */
export interface AccountChanges {
  upgrade(account: Target): Promise<void>;
  /** All roles of the account beyond `user`. */
  setRoles(account: Target, roles: readonly string[]): Promise<void>;
  /** Of a role of the tenant; `by`: who changes it. */
  setPermissions(by: Target, role: string, permissions: readonly string[]): Promise<void>;
  createRole(name: string, permissions: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

const TENANT = "00000000-0000-7000-8000-000000000001";

export async function createAccountChanges(mesh: TestMesh): Promise<AccountChanges> {
  const broker = await startBroker({ env: { NATS_URL: mesh.nats.url } });
  await broker.waitForServices("sessions", 5_000, 20);
  const call = callAsService(broker, "users", newId(systemClock));

  const change = async (kind: "user" | "tenant", type: EventType, { id }: Target, sql: string, values: unknown[]) => {
    const eventId = newId(systemClock);
    const body = eventOf(eventId, type, id, kind);
    await mesh.database.query(`WITH changed AS (${sql}) SELECT users.state_event($1, $2, $3)`, [
      eventId,
      id,
      JSON.stringify(body),
      ...values,
    ]);
    await call("sessions.outdate", { kind, id: kind === "user" ? id : TENANT, event_id: eventId });
  };
  return {
    upgrade: (account) =>
      change(
        "user",
        "subscription.changed",
        account,
        "INSERT INTO users.subscriptions (user_id, plan) VALUES ($4, 'premium')",
        [account.id],
      ),
    setRoles: (account, roles) =>
      change(
        "user",
        "role.changed",
        account,
        `DELETE FROM users.role_members WHERE user_id = $4 AND role <> ALL ($5::text[])), given AS (
         INSERT INTO users.role_members (user_id, tenant_id, role)
         SELECT $4, '${TENANT}', role FROM unnest($5::text[]) AS role ON CONFLICT DO NOTHING`,
        [account.id, roles],
      ),
    setPermissions: (by, role, permissions) =>
      change("tenant", "role.changed", by, "UPDATE users.roles SET permissions = $5 WHERE name = $4", [
        role,
        permissions,
      ]),
    async createRole(name, permissions) {
      await mesh.database.query("INSERT INTO users.roles (tenant_id, name, permissions) VALUES ($1, $2, $3)", [
        TENANT,
        name,
        permissions,
      ]);
    },
    close: () => broker.stop(),
  };
}

function eventOf(eventId: string, type: EventType, userId: string, scope: "user" | "tenant") {
  return {
    event_id: eventId,
    event_type: type,
    source: "users",
    schema_version: 1,
    user_id: userId,
    tenant_id: TENANT,
    timestamp: systemClock.now().toISOString(),
    correlation_id: newId(systemClock),
    scope,
  };
}
