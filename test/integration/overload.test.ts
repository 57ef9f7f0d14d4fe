import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Client } from "pg";
import type { Answer } from "../support/clients/api-client.ts";
import { type Person, register, signIn } from "../support/flows/main-flow.ts";
import type { Installation } from "../support/start/installation.ts";
import { startUsermesh } from "../support/start/usermesh.ts";

/** More work than the node can do. A hash takes as long as in production on a fast machine. */
let usermesh: Installation;
let person: Person;
beforeAll(async () => {
  const limits = { PASSWORD_HASH_COST: "11", PASSWORD_HASH_CONCURRENCY: "1", PASSWORD_HASH_MAX_WAIT_MS: "500" };
  usermesh = await startUsermesh({ ...limits, RATE_LIMIT_ENABLED: "false", CIRCUIT_BREAKER_FAILURES: "5" });
  person = await register(usermesh);
});
afterAll(() => usermesh.stop());

const signUp = (n: number) =>
  usermesh.api.post("auth/register", { email: `burst-${n}@example.com`, password: "Over-load-1-load" });
const timed = async (answer: Promise<Answer>) => {
  const { status, body, headers } = await answer;
  return { status, code: body.code, retryAfter: headers.get("retry-after"), at: performance.now() };
};
const refresh = (refresh_token: string) => usermesh.api.post("auth/refresh", { refresh_token });

describe("a burst of sign-ups", () => {
  test("is served as far as possible, the rest is refused at once, and a sign-in gets its turn", async () => {
    const burst = Promise.all(Array.from({ length: 80 }, (_, n) => timed(signUp(n))));
    const signedIn = await usermesh.api.post("auth/login", { email: person.email, password: person.password });
    expect(signedIn.status).toBe(200);
    const answers = await burst;
    const served = answers.filter(({ status }) => status === 201);
    const refused = answers.filter(({ status }) => status === 503);
    expect(served.length).toBeGreaterThanOrEqual(2);
    expect(served.length + refused.length).toBe(80);
    for (const one of refused) expect(one).toMatchObject({ code: "overloaded", retryAfter: "1" });
    // A refused request is answered before the work of those who are served is done.
    const lastServed = Math.max(...served.map(({ at }) => at));
    expect(refused.filter(({ at }) => at > lastServed)).toEqual([]);
  });
});

describe("refreshes", () => {
  test("of a few sessions, hundreds at once, all get the successor of their token", async () => {
    const sessions = [await signIn(usermesh, person), await signIn(usermesh, person)];
    const sent = Array.from({ length: 500 }, (_, n) => refresh(sessions[n % 2]?.refresh ?? ""));
    const answers = await Promise.all(sent);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map(({ body }) => body.data.refresh_token)).size).toBe(2);
  });

  test("that find the database busy open no circuit breaker", async () => {
    const sessions = [await signIn(usermesh, person)];
    while (sessions.length < 6) sessions.push(await signIn(usermesh, person));
    const refreshAll = () => Promise.all(sessions.map((session) => refresh(session.refresh)));
    const locking = new Client({ connectionString: usermesh.database.url });
    await locking.connect();
    try {
      await locking.query("BEGIN; LOCK TABLE sessions.sessions");
      expect((await refreshAll()).map(({ body }) => body.code)).toEqual(sessions.map(() => "overloaded"));
      await locking.query("ROLLBACK");
      expect((await refreshAll()).map(({ status }) => status)).toEqual(sessions.map(() => 200));
    } finally {
      await locking.end();
    }
  });
});
