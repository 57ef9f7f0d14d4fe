import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { connect, type NatsConnection } from "nats";
import { natsOptions } from "../../../lib/nats-options.ts";
import { type AccountChanges, createAccountChanges } from "../../support/account-changes.ts";
import { type Account, expectGood, newAccount, type SignedIn, verdicts } from "../../support/endings.ts";
import { eventually } from "../../support/eventually.ts";
import { startTestMesh, type TestMesh } from "../../support/test-mesh.ts";

const CHANGES = 12;
const REFRESHERS = 4;

interface Claims {
  readonly ver: number;
  readonly tver: number;
  readonly iat: number;
  readonly tier: string;
  readonly roles: readonly string[];
  readonly permissions: readonly string[];
}

interface Change {
  readonly prepare?: (account: Account) => Promise<void>;
  readonly make: (account: Account) => Promise<void>;
  readonly shows: (claims: Claims) => boolean;
}

describe("an account that changes", () => {
  let mesh: TestMesh;
  let bus: NatsConnection;
  let accounts: AccountChanges;
  beforeAll(async () => {
    mesh = await startTestMesh({ nodes: 2 });
    bus = await connect(natsOptions(mesh.nats.url));
    accounts = await createAccountChanges(mesh);
    await accounts.createRole("editor", ["users:read"]);
    await accounts.createRole("auditor", []);
  }, 120_000);
  afterAll(async () => {
    await accounts?.close();
    await bus?.close();
    await mesh?.stop();
  }, 60_000);

  const refresh = async ({ refresh: refresh_token }: SignedIn): Promise<SignedIn> => {
    const { status, body } = await mesh.api.post("auth/refresh", { refresh_token });
    expect(status).toBe(200);
    return { access: body.data.access_token, refresh: body.data.refresh_token, session: body.data.session_id };
  };

  const changes: Readonly<Record<string, Change>> = {
    "an upgrade": {
      make: (account) => accounts.upgrade(account),
      shows: ({ tier }) => tier === "premium",
    },
    "a role that is given": {
      make: (account) => accounts.setRoles(account, ["editor"]),
      shows: ({ roles }) => roles.includes("editor"),
    },
    "a role that is taken": {
      prepare: (account) => accounts.setRoles(account, ["editor"]),
      make: (account) => accounts.setRoles(account, []),
      shows: ({ roles }) => !roles.includes("editor"),
    },
    "new permissions of a role": {
      prepare: (account) => accounts.setRoles(account, ["auditor"]),
      make: (account) => accounts.setPermissions(account, "auditor", [`activity:${account.id}`]),
      shows: ({ permissions }) => permissions.some((one) => one.startsWith("activity:")),
    },
  };

  test.each(Object.entries(changes))(
    "by %s makes the old access token stale at both gateways, and the refreshed one is good at once and stays so",
    async (_, change) => {
      for (let sameSecond = false; !sameSecond; ) {
        const account = await newAccount(mesh, 1);
        await change.prepare?.(account);
        const [session] = (await Promise.all(account.sessions.map(refresh))) as [SignedIn];
        await expectGood(mesh.gateways, [session]);
        await change.make(account);
        expect(await verdicts(mesh.gateways, [session])).toEqual(["401 token_stale", "401 token_stale"]);
        const fresh = await refresh(session);
        expect(await verdicts(mesh.gateways, [fresh])).toEqual(["200 ok", "200 ok"]);
        expect(change.shows(claimsOf(fresh))).toBe(true);
        await eventsArrive(mesh, bus);
        expect(await verdicts(mesh.gateways, [fresh])).toEqual(["200 ok", "200 ok"]);
        expect(await versionsOf(mesh, account)).toEqual(versionsIn(fresh));
        sameSecond = claimsOf(fresh).iat === claimsOf(session).iat;
      }
    },
    60_000,
  );

  test("again and again has no token with roles of before under a version of after, whatever is read in between", async () => {
    const steps = Array.from({ length: CHANGES }, (_, step) => `step-${step + 1}`);
    for (const step of steps) await accounts.createRole(step, []);
    const account = await newAccount(mesh, REFRESHERS);
    const before = (await versionsOf(mesh, account)).ver;
    const seen: Claims[] = [];
    let done = false;
    const refreshers = account.sessions.map(async (session) => {
      for (let now = session; !done; ) {
        now = await refresh(now);
        seen.push(claimsOf(now));
        // Whoever keeps an answer for later has the latest of before the next change.
        await Promise.all(mesh.gateways.map((gateway) => gateway.get("users/me", now.access)));
      }
    });
    for (const step of steps) await accounts.setRoles(account, [step]);
    done = true;
    await Promise.all(refreshers);
    expect(new Set(seen.map(({ ver }) => ver)).size).toBeGreaterThan(CHANGES / 2);
    expect(seen.filter((claims) => stepOf(claims) < claims.ver - before)).toEqual([]);
  }, 60_000);
});

function stepOf({ roles }: Claims): number {
  return Math.max(0, ...roles.map((role) => Number(/^step-(\d+)$/.exec(role)?.[1] ?? 0)));
}

function claimsOf({ access }: SignedIn): Claims {
  return JSON.parse(Buffer.from(access.split(".")[1] ?? "", "base64url").toString());
}

function versionsIn(session: SignedIn) {
  const { ver, tver } = claimsOf(session);
  return { ver, tver };
}

async function versionsOf(mesh: TestMesh, { id }: Account): Promise<{ ver: number; tver: number }> {
  const [row] = await mesh.database.query<{ ver: number; tver: number }>(
    `SELECT sessions.version_of('user', id) AS ver, sessions.version_of('tenant', tenant_id) AS tver
     FROM users.users WHERE id = $1`,
    [id],
  );
  return row as { ver: number; tver: number };
}

/** Everything that was stated of accounts has reached sessions and is done with there. */
async function eventsArrive(mesh: TestMesh, bus: NatsConnection): Promise<void> {
  await eventually("all to be published", async () => {
    return (await mesh.database.query("SELECT 1 FROM users.outbox WHERE published_at IS NULL")).length === 0;
  });
  const manager = await bus.jetstreamManager();
  await eventually("sessions to have read all events", async () => {
    const { num_pending, num_ack_pending } = await manager.consumers.info("USERS", "sessions-users");
    return num_pending === 0 && num_ack_pending === 0;
  });
}
