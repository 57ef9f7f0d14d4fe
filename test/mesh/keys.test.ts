import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { decodeJwt, decodeProtectedHeader } from "jose";
import type { ServiceBroker } from "moleculer";
import type { Answer, ApiClient } from "../support/clients/api-client.ts";
import { eventually } from "../support/eventually.ts";
import { linkToken, mailTo, newPerson, register, signIn } from "../support/flows/main-flow.ts";
import { callAs, startBroker } from "../support/start/broker.ts";
import { startMesh, type TestMesh } from "../support/start/mesh.ts";

const [older, newer] = [`k1:${"older-secret-".repeat(3)}`, `k2:${"newer-secret-".repeat(3)}`];
/** Between the requests of a user: without it, the load would take all of the processor. */
const PAUSE_MS = 150;
const PHONE = "+441234567890";
/** Services that seal or derive values with the key ring. */
const holders = ["auth", "users", "sessions", "gateway"];

type Person = Awaited<ReturnType<typeof register>>;

describe("key rotation under load", () => {
  let mesh: TestMesh;
  let node: ServiceBroker;
  beforeAll(async () => {
    mesh = await startMesh({ processes: { gateway: 2, auth: 2, users: 2, sessions: 2 }, env: { SECRET_KEY: older } });
    node = await startBroker({ env: { NATS_URL: mesh.nats.url } });
  });
  afterAll(async () => {
    await node?.stop();
    await mesh?.stop();
  });

  /** Replaces one node of each pair, then the other, like a rollout. */
  const rollOut = async (ring: string) => {
    for (const number of [1, 2])
      await Promise.all(holders.map((name) => mesh.replace(`${name}-${number}`, { SECRET_KEY: ring })));
  };
  const rotate = () =>
    Promise.all(
      ["auth.rotateKeys", "users.rotateKeys"].map((action) =>
        callAs(node, { kind: "service", name: "worker-maintenance" }, action),
      ),
    );
  const keysInUse = async () => {
    const rows = await mesh.database.query<{ kid: string }>(
      `SELECT kid FROM auth.credentials UNION SELECT sealed_under FROM auth.signing_keys
       UNION SELECT split_part(sealed, '.', 2) FROM users.profiles WHERE sealed IS NOT NULL ORDER BY 1`,
    );
    return rows.map(({ kid }) => kid);
  };

  test("a new key in SECRET_KEY, rolled out node by node, causes no failure, and the old one can be removed", async () => {
    const people = await Promise.all(Array.from({ length: 4 }, () => register(mesh)));
    const [holder, forgetful] = [people[0] as Person, people[1] as Person];
    const { access } = await signIn(mesh, holder);
    await mesh.api.put("users/me/profile", { phone: PHONE }, access);
    const early = linkToken(await mailTo(mesh, forgetful.email, /verify-email/));
    const load = startLoad(mesh, people);

    await rollOut(`${older},${newer}`);
    expect(await keysInUse()).toEqual(["k1"]);
    await rollOut(`${newer},${older}`);
    expect((await mesh.api.post("auth/verify-email", { token: early, password: forgetful.password })).status).toBe(200);
    const lately = await register(mesh, newPerson("lately"));
    const late = linkToken(await mailTo(mesh, lately.email, /verify-email/));
    await rotate();
    expect(await keysInUse()).toEqual(["k2"]);
    await load.everybodyRefreshed();
    await rollOut(newer);
    expect((await mesh.api.post("auth/verify-email", { token: late, password: lately.password })).status).toBe(200);

    const { refused, sessions, signIns } = await load.stop();
    expect(refused).toEqual([]);
    expect(signIns).toBeGreaterThan(20);
    for (const session of sessions) expect((await mesh.api.get("users/me", session.access)).status).toBe(200);
    const profile = await mesh.api.get("users/me/profile", (await signIn(mesh, holder)).access);
    expect(profile.body.data.phone).toBe(PHONE);
  });

  test("a new signing key causes no valid token to be refused and no expired one to be accepted, even if a signer was paused", async () => {
    const person = await register(mesh);
    const [dying, end] = await shorten(mesh, { signs: 30_000, verifies: 36_000 });
    const tokens: string[] = [];
    const take = async () => tokens.push((await signInSoon(mesh, person)).access);
    await eventually("signers that know when their key expires", () => allKnow(mesh, person, end));
    await Promise.all(Array.from({ length: 8 }, take));
    expect(new Set(tokens.map(kidOf))).toEqual(new Set([dying]));
    mesh.pause("auth-2");
    const refused: string[] = [];
    while (Date.now() < end + 1_000) {
      await take();
      await sleep(PAUSE_MS);
      for (const token of tokens.slice(-5)) refused.push(...(await refusalsOf(mesh, token)));
    }
    mesh.resume("auth-2");
    const fresh = await Promise.all(Array.from({ length: 12 }, () => signInSoon(mesh, person)));
    expect(fresh.map(({ access }) => kidOf(access))).not.toContain(dying);
    for (const { access } of fresh) refused.push(...(await refusalsOf(mesh, access)));
    expect(refused).toEqual([]);
    const dead = tokens.filter((token) => kidOf(token) === dying);
    const expectExpired = async () => {
      for (const token of dead)
        for (const gateway of mesh.gateways)
          expect(await gateway.get("users/me", token)).toBeProblem(401, "token_expired");
    };
    await expectExpired();
    await eventually("gateways without the expired key", async () => {
      const sets = await Promise.all(mesh.gateways.map((gateway) => gateway.get("/.well-known/jwks.json")));
      return sets.every(({ body }) => !JSON.stringify(body).includes(dying));
    });
    await expectExpired();
  });
});

interface Session {
  readonly person: Person;
  access: string;
  refresh: string;
  refreshes: number;
}

/** Users who continuously sign in, read and refresh at any available gateway. A 503 is retried, all other responses are kept. */
function startLoad(mesh: TestMesh, people: readonly Person[]) {
  const done = new AbortController();
  const refused: string[] = [];
  const sessions: Session[] = [];
  let signIns = 0;
  const ask = async (what: string, request: (gateway: ApiClient) => Promise<Answer>): Promise<Answer> => {
    let turn = 0;
    const answer = await eventually(
      what,
      async () => {
        const got = await request(mesh.gateways[turn++ % mesh.gateways.length] as ApiClient);
        return got.status !== 503 && got;
      },
      { every: 50 },
    );
    if (answer.status !== 200) refused.push(`${what}: ${answer.status} ${answer.body.code}`);
    return answer;
  };
  const live = async (person: Person) => {
    const { body } = await ask("sign-in", (gateway) => gateway.post("auth/login", credentialsOf(person)));
    const session: Session = { person, access: body.data.access_token, refresh: body.data.refresh_token, refreshes: 0 };
    sessions.push(session);
    while (!done.signal.aborted) {
      await ask("look", (gateway) => gateway.get("users/me", session.access));
      const token = session.refresh;
      const next = await ask("refresh", (gateway) => gateway.post("auth/refresh", { refresh_token: token }));
      Object.assign(session, { access: next.body.data.access_token, refresh: next.body.data.refresh_token });
      session.refreshes += 1;
      await sleep(PAUSE_MS);
      await ask("sign-in", (gateway) => gateway.post("auth/login", credentialsOf(person)));
      signIns += 1;
    }
  };
  const lives = Promise.all(people.map(live));
  return {
    async everybodyRefreshed() {
      const before = sessions.map((one) => one.refreshes);
      const all = () => sessions.every((one, index) => one.refreshes > (before[index] ?? 0) + 1);
      await eventually("a refresh of each", all);
    },
    async stop() {
      done.abort();
      await lives;
      return { refused, sessions, signIns };
    },
  };
}

function credentialsOf({ email, password }: Person) {
  return { email, password };
}

/** Tokens of both signers expire with their key once they have read its new times, which they do every 10 s. */
async function allKnow(mesh: TestMesh, person: Person, end: number): Promise<boolean> {
  const signedIn = await Promise.all(Array.from({ length: 8 }, () => signInSoon(mesh, person)));
  return signedIn.every(({ access }) => (decodeJwt(access).exp ?? 0) * 1_000 <= end);
}

/** Lets the active signing key expire soon, by changing its times in the database. */
async function shorten(mesh: TestMesh, life: { signs: number; verifies: number }): Promise<[kid: string, end: number]> {
  const [row] = await mesh.database.query<{ kid: string; end: string }>(
    `UPDATE auth.signing_keys SET sign_until = clock_timestamp() + $1 * interval '1 ms', verify_until = clock_timestamp() + $2 * interval '1 ms'
     WHERE period = (SELECT max(period) FROM auth.signing_keys) RETURNING kid, extract(epoch FROM verify_until) * 1000 AS end`,
    [life.signs, life.verifies],
  );
  return [row?.kid ?? "", Number(row?.end)];
}

function signInSoon(mesh: TestMesh, person: Person): Promise<{ access: string }> {
  return eventually("a sign-in", () => signIn(mesh, person), { every: 50 });
}

function kidOf(token: string): string | undefined {
  return decodeProtectedHeader(token).kid;
}

/** Both gateways' responses to a token that has not expired. */
async function refusalsOf(mesh: TestMesh, token: string): Promise<string[]> {
  const answers = await Promise.all(mesh.gateways.map((gateway) => gateway.get("auth/me", token)));
  const expired = ((decodeJwt(token).exp ?? 0) - 1) * 1_000 < Date.now();
  return answers.filter(({ status }) => status === 401 && !expired).map(({ body }) => body.code);
}
