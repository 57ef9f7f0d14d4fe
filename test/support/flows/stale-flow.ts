import { randomBytes } from "node:crypto";
import { expect, test } from "@jest/globals";
import { hold, holdRelay } from "../data/database-reads.ts";
import { eventually } from "../eventually.ts";
import type { Installation } from "../start/installation.ts";
import { type Account, adminOf, expectGood, newAccount, type SignedIn, verdicts } from "./session-endings.ts";

const CHANGES = 12;
const REFRESHERS = 4;

interface Claims {
  readonly ver: number;
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

/** What holds of the access tokens of an account that changes, wherever it runs. */
export function describeStale(running: () => Installation): void {
  const asAdmin = async (method: string, path: string, body: object): Promise<void> => {
    // The administrator's own token is stale too if the permissions of a role have changed.
    const token = await adminOf(running());
    const { status, body: answer } = await running().api.request(method, path, { body, token });
    expect([status, answer.code, answer.errors]).toEqual([method === "POST" ? 201 : 200, undefined, undefined]);
  };
  const setRoles = ({ id }: Account, roles: readonly string[]) => asAdmin("PUT", `admin/users/${id}`, { roles });
  const setTier = ({ id }: Account, subscription: { plan: string } | null) =>
    asAdmin("PUT", `admin/users/${id}`, { subscription });
  const createRole = (name: string) => asAdmin("POST", "admin/roles", { name, permissions: [] });
  const subscribe = async ({ sessions: [session] }: Account, way: "upgrade" | "downgrade"): Promise<void> => {
    const body = way === "upgrade" ? {} : undefined;
    expect((await running().api.post(`users/me/${way}`, body, (await refresh(session)).access)).status).toBe(200);
  };
  const refresh = async (session: SignedIn | undefined): Promise<SignedIn> => {
    const { status, body } = await running().api.post("auth/refresh", { refresh_token: session?.refresh });
    expect([status, body.code]).toEqual([200, undefined]);
    return { access: body.data.access_token, refresh: body.data.refresh_token, session: body.data.session_id };
  };
  const tierAndVerdict = async (session: SignedIn) =>
    [claimsOf(session).tier, ...new Set(await verdicts(running().gateways, [session]))].join(", ");
  const everywhere = (verdict: string) => running().gateways.map(() => verdict);

  let permission = "users:read";
  const changes: Readonly<Record<string, Change>> = {
    "an upgrade": {
      make: (account) => subscribe(account, "upgrade"),
      shows: ({ tier }) => tier === "premium",
    },
    "a downgrade": {
      prepare: (account) => subscribe(account, "upgrade"),
      make: (account) => subscribe(account, "downgrade"),
      shows: ({ tier }) => tier === "basic",
    },
    "a role that is given": {
      make: (account) => setRoles(account, ["editor"]),
      shows: ({ roles }) => roles.includes("editor"),
    },
    "a role that is taken": {
      prepare: (account) => setRoles(account, ["editor"]),
      make: (account) => setRoles(account, []),
      shows: ({ roles }) => !roles.includes("editor"),
    },
    "new permissions of a role": {
      prepare: (account) => setRoles(account, ["auditor"]),
      async make() {
        permission = permission === "users:read" ? "activity:read" : "users:read";
        await asAdmin("PUT", "admin/roles/auditor", { permissions: [permission] });
      },
      shows: ({ permissions }) => String(permissions) === permission,
    },
  };

  test("two roles, to be given and taken", async () => {
    for (const name of ["editor", "auditor"]) await createRole(name);
  });

  test.each(Object.entries(changes))(
    "by %s makes the old access token stale everywhere, and the refreshed one is good at once and stays so when the late event comes",
    async (_, { prepare, make, shows }) => {
      for (let sameSecond = false; !sameSecond; ) {
        const account = await newAccount(running(), 2);
        await prepare?.(account);
        await using late = await holdRelay(running(), "users");
        await eventually("a second to begin", () => Date.now() % 1_000 < 100, { every: 5 });
        const session = await refresh(account.sessions[1]);
        await expectGood(running().gateways, [session]);
        await make(account);
        expect(await verdicts(running().gateways, [session])).toEqual(everywhere("401 token_stale"));
        const fresh = await refresh(session);
        expect(await verdicts(running().gateways, [fresh])).toEqual(everywhere("200 ok"));
        expect(shows(claimsOf(fresh))).toBe(true);
        expect(await unpublished(running())).toBeGreaterThan(0);
        await late[Symbol.asyncDispose]();
        await running().settled();
        expect(await verdicts(running().gateways, [fresh])).toEqual(everywhere("200 ok"));
        sameSecond = claimsOf(fresh).iat === claimsOf(session).iat;
      }
    },
  );

  test("again and again has no token with roles of before under a version of after, whatever is read in between", async () => {
    // New names for each try: a repeated test finds the roles of the first one.
    const run = randomBytes(4).toString("hex");
    const steps = Array.from({ length: CHANGES }, (_, step) => `step-${run}-${step + 1}`);
    for (const step of steps) await createRole(step);
    const account = await newAccount(running(), REFRESHERS);
    const before = claimsOf(await refresh(account.sessions[0])).ver;
    const seen: Claims[] = [];
    let done = false;
    const refreshers = account.sessions.map(async (session) => {
      for (let now = session; !done; ) {
        now = await refresh(now);
        seen.push(claimsOf(now));
        // A request that is held back has the latest state from before the next change.
        await verdicts(running().gateways, [now]);
      }
    });
    for (const step of steps) {
      const sofar = seen.length;
      await setRoles(account, [step]);
      await eventually("a refresh after the change", () => seen.length > sofar);
    }
    done = true;
    await Promise.all(refreshers);
    expect(new Set(seen.map(({ ver }) => ver)).size).toBeGreaterThan(CHANGES / 2);
    expect(seen.filter((claims) => stepOf(claims) < claims.ver - before)).toEqual([]);
  });

  test("while an earlier refresh reads it slowly tells a later one nothing of before", async () => {
    const account = await newAccount(running(), 2);
    const [earlier, later] = account.sessions as [SignedIn, SignedIn];
    await readClaimsUnderALock(running(), account);
    // A node that knows of this change has dropped the account and reads it again.
    await setTier(account, { plan: "premium" });
    await using slow = await hold(running(), `SELECT pg_advisory_xact_lock(${CLAIMS_LOCK})`);
    const first = refresh(earlier);
    await eventually("the read of its claims to wait", () => waits(running(), "advisory"), { every: 5 });
    await setTier(account, null);
    const second = refresh(later);
    await eventually("the later one to have its version", async () => (await counterOf(running(), later)) === 1);
    await slow[Symbol.asyncDispose]();
    // Where it took too long, the gateway has asked again in the meantime.
    expect(["premium, 401 token_stale", "basic, 200 ok"]).toContain(await tierAndVerdict(await first));
    for (const fresh of [await second, await refresh(await first), await refresh(await second)])
      expect(await tierAndVerdict(fresh)).toBe("basic, 200 ok");
  });

  test("while a refresh waits for its session's row is read after its version", async () => {
    const account = await newAccount(running(), 2);
    const [, session] = account.sessions;
    const { access } = await refresh(account.sessions[0]);
    await using row = await hold(running(), "SELECT 1 FROM sessions.sessions WHERE id = $1 FOR UPDATE", [
      session?.session,
    ]);
    const waiting = refresh(session);
    await eventually("it to wait", () => waits(running(), "transactionid"), { every: 5 });
    expect((await running().api.post("users/me/upgrade", {}, access)).status).toBe(200);
    await row[Symbol.asyncDispose]();
    expect(claimsOf(await waiting).tier).toBe("premium");
    expect(await verdicts(running().gateways, [await waiting])).toEqual(everywhere("200 ok"));
  });
}

function stepOf({ roles }: Claims): number {
  return Math.max(0, ...roles.map((role) => Number(/^step-\w+-(\d+)$/.exec(role)?.[1] ?? 0)));
}

function claimsOf({ access }: SignedIn): Claims {
  return JSON.parse(Buffer.from(access.split(".")[1] ?? "", "base64url").toString());
}

async function unpublished({ database }: Installation): Promise<number> {
  return (await database.query("SELECT 1 FROM users.outbox WHERE published_at IS NULL")).length;
}

/** How often its refresh token was spent. */
async function counterOf({ database }: Installation, { session }: SignedIn): Promise<number> {
  const [row] = await database.query<{ counter: string }>("SELECT counter FROM sessions.sessions WHERE id = $1", [
    session,
  ]);
  return Number(row?.counter);
}

async function waits({ database }: Installation, kind: "advisory" | "transactionid"): Promise<boolean> {
  const sql = `SELECT 1 FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE NOT l.granted AND l.locktype = $1 AND a.datname = current_database()`;
  return (await database.query(sql, [kind])).length > 0;
}

const CLAIMS_LOCK = 4_711;

/** From now on, each reader of the claims of this account can be held up in the middle, with the state of the accounts with which it began. */
async function readClaimsUnderALock({ database }: Installation, { id }: Account): Promise<void> {
  const name = "users.granted_permissions";
  const [row] = await database.query<{ definition: string }>(
    `SELECT pg_get_functiondef('${name}'::regproc) AS definition`,
  );
  await database.query((row?.definition ?? "").replace(`${name}(`, `${name}_now(`));
  await database.query(
    `CREATE OR REPLACE FUNCTION ${name}(p_user_id uuid, p_tenant_id uuid) RETURNS text[] LANGUAGE plpgsql STABLE AS $$ BEGIN
       IF p_user_id = '${id}' AND current_query() LIKE '%is_premium%' THEN
         PERFORM pg_advisory_xact_lock_shared(${CLAIMS_LOCK});
       END IF;
       RETURN ${name}_now(p_user_id, p_tenant_id);
     END $$`,
  );
}
