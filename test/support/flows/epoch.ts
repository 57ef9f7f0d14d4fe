import { pbkdf2Sync } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import { parseKeyRing } from "../../../lib/crypto/key-ring.ts";
import { createBulkhead } from "../../../lib/runtime/bulkhead.ts";
import { createPasswordHashing } from "../../../services/auth/password/password-hashing.ts";
import { holdRelay, liveSessions, outboxEventsOfType } from "../data/database-reads.ts";
import { eventually } from "../eventually.ts";
import type { Installation } from "../start/installation.ts";
import { linkToken, mailTo, newPerson, register, signIn } from "./main-flow.ts";

type Account = Awaited<ReturnType<typeof register>>;

interface Change {
  readonly name: string;
  /** What must be at hand before a sign-in begins; resolves to the change itself. */
  prepare(running: Installation, account: Account): Promise<() => Promise<void>>;
}

const reset: Change = {
  name: "a reset",
  async prepare(running, account) {
    const { api } = running;
    expect((await api.post("auth/password-reset-request", { email: account.email })).status).toBe(202);
    const token = linkToken(await mailTo(running, account.email, /reset-password/));
    const body = { token, new_password: `${account.password}-reset` };
    return async () => expect((await api.post("auth/password-reset-confirm", body)).status).toBe(200);
  },
};

const disable: Change = {
  name: "a disable",
  async prepare(running, { id }) {
    const { access } = await signIn(running, running.admin);
    const body = { is_active: false, reason: "Suspicious" };
    return async () => expect((await running.api.put(`admin/users/${id}/status`, body, access)).status).toBe(200);
  },
};

const logoutAll: Change = {
  name: "a logout-all",
  async prepare(running, account) {
    const { access } = await signIn(running, account);
    return async () => expect((await running.api.post("auth/logout-all", undefined, access)).status).toBe(200);
  },
};

/** `rounds` of each change. Hashes need room beside each other: PASSWORD_HASH_CONCURRENCY 4. */
export function describeEpoch(running: () => Installation, rounds: number): void {
  describe.each([reset, disable, logoutAll])("$name while a sign-in computes its hash", ({ prepare }) => {
    test(`leaves no session of it, ${rounds} of ${rounds}`, async () => {
      const seen: unknown[] = [];
      const round = async () => {
        const account = await register(running(), { ...newPerson("racer"), password: slowPassword });
        const change = await prepare(running(), account);
        await slowDown(running(), account.id);
        seen.push(await race(running(), account, change));
      };
      const lane = async (count: number) => {
        for (let n = 0; n < count; n += 1) await round();
      };
      await Promise.all([lane(Math.ceil(rounds / 2)), lane(Math.floor(rounds / 2))]);
      expect(seen).toEqual(Array(rounds).fill({ hashing: true, status: 401, code: "session_ended", live: 0 }));
    });
  });

  describe("a sign-in whose account changed a moment ago", () => {
    const survives = async (signedIn: Awaited<ReturnType<typeof signIn>>) => {
      const { api, gateways, settled } = running();
      await settled();
      for (const gateway of gateways) expect((await gateway.get("users/me", signedIn.access)).status).toBe(200);
      expect((await api.post("auth/refresh", { refresh_token: signedIn.refresh })).status).toBe(200);
    };

    test("lives on when the late event of a reset arrives", async () => {
      const account = await register(running());
      const change = await reset.prepare(running(), account);
      const relay = await holdRelay(running(), "auth");
      await change();
      const after = await signIn(running(), { ...account, password: `${account.password}-reset` });
      expect(await outboxEventsOfType(running(), "auth", account.id, "password.changed")).toEqual([
        { published: false },
      ]);
      await relay[Symbol.asyncDispose]();
      await survives(after);
    });

    test("lives on when the late events of disable and enable arrive", async () => {
      const account = await register(running());
      const change = await disable.prepare(running(), account);
      const { access } = await signIn(running(), running().admin);
      const relay = await holdRelay(running(), "users");
      await change();
      await running().api.put(`admin/users/${account.id}/status`, { is_active: true }, access);
      const after = await signIn(running(), account);
      expect(await outboxEventsOfType(running(), "users", account.id, "user.deactivated")).toEqual([
        { published: false },
      ]);
      await relay[Symbol.asyncDispose]();
      await survives(after);
    });

    test("of a logout-all lives on too", async () => {
      const account = await register(running());
      const change = await logoutAll.prepare(running(), account);
      await change();
      await survives(await signIn(running(), account));
    });
  });
}

async function race(running: Installation, account: Account, change: () => Promise<void>) {
  const login = await startLogin(running, account);
  await change();
  const hashing = !login.hasEnded;
  const { status, body } = await login.answer;
  return { hashing, status, code: body.code, live: await liveSessions(running, account.id) };
}

const MAX_LOGINS = 5;

/**
 * Resolves while the hash of a sign-in is being computed. On a busy machine a sign-in may end before it is looked at, or be
 * refused; the next one takes its place, and the change ends its session too.
 */
async function startLogin(running: Installation, { email, password, id }: Account) {
  const statuses: number[] = [];
  while (statuses.length < MAX_LOGINS) {
    const login = { hasEnded: false, answer: running.api.post("auth/login", { email, password }) };
    const end = () => {
      login.hasEnded = true;
    };
    login.answer.then(end, end);
    const isSeen = () => isGuessing(running, id);
    await eventually("the hash being computed", async () => (await isSeen()) || login.hasEnded, { every: 5 });
    if (!login.hasEnded) return login;
    statuses.push((await login.answer).status);
  }
  throw new Error(`No sign-in was seen while it was hashing; they ended with ${statuses.join(", ")}`);
}

/** Counted before the hash is looked at, settled after. */
async function isGuessing({ database }: Installation, userId: string): Promise<boolean> {
  const sql = "SELECT 1 FROM auth.login_attempts WHERE user_id = $1 AND key = account AND pending = 1 LIMIT 1";
  return (await database.query(sql, [userId])).length === 1;
}

const slowPassword = "Slow-horse-7-staple";
const ITERATIONS = 1_200_000;
const slowHash = pbkdf2Sync(slowPassword, "salt", ITERATIONS, 32, "sha256").toString("base64");

/** Some hundred milliseconds: as long as a hash takes in production. */
async function slowDown({ database, secretKey }: Installation, userId: string): Promise<void> {
  const bulkhead = createBulkhead({ concurrency: 1, queue: 1 });
  const hashing = createPasswordHashing({ ring: parseKeyRing(secretKey), cost: 4, bulkhead });
  const [credential] = await database.query<{ id: string }>("SELECT id FROM auth.credentials WHERE user_id = $1", [
    userId,
  ]);
  const secret = hashing.importHash(`pbkdf2_sha256$${ITERATIONS}$salt$${slowHash}`, credential?.id ?? "");
  await database.query("UPDATE auth.credentials SET secret = $2 WHERE user_id = $1", [userId, secret]);
}
