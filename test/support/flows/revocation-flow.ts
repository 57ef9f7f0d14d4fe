import { randomUUID } from "node:crypto";
import { expect, test } from "@jest/globals";
import type { ApiClient } from "../clients/api-client.ts";
import { openSlowBody } from "../fakes/slow-body.ts";
import type { Running } from "./main-flow.ts";
import { adminOf, endings, expectGood, newAccount, verdicts } from "./session-endings.ts";

interface RevocationStage {
  readonly running: Running;
  readonly gateways: readonly ApiClient[];
}

/** Accounts and sessions of each: together 1,000 access tokens that end. */
const plan: ReadonlyArray<readonly [kind: string, accounts: number, sessions: number]> = [
  ["POST /auth/logout", 40, 5],
  ["DELETE /auth/sessions/{id}", 40, 6],
  ["POST /auth/logout-all", 15, 10],
  ["a disabled account", 15, 10],
  ["a changed password", 15, 11],
  ["a reset password", 15, 10],
];
/** Accounts, each of which signs in up to 11 times at once. More would time out where the processors are busy with other work. */
const AT_ONCE = 4;

/** What an answer that ends access promises, at every gateway. */
export function describeRevocation(stage: () => RevocationStage): void {
  let refused = 0;

  test.each(plan)("by %s, the very next request is refused at every gateway", async (kind, accounts, sessions) => {
    const { running, gateways } = stage();
    const ending = endings[kind] as (typeof endings)[string];
    const admin = await adminOf(running);
    const seen: string[] = [];
    await inTurns(accounts, async (n) => {
      const all = await newAccount(running, sessions);
      for (const account of ending.steps?.(all) ?? [all]) {
        await expectGood(gateways, ending.ended(account));
        const api = gateways[n % gateways.length] as ApiClient;
        expect((await ending.end({ running, api, admin, key: randomUUID() }, account)).status).toBe(200);
        seen.push(...(await verdicts(gateways, ending.ended(account))));
      }
    });
    expect(new Set(seen)).toEqual(new Set(["401 session_ended"]));
    refused += seen.length / gateways.length;
  });

  test("that was 1,000 of 1,000 access tokens", () => {
    expect(refused).toBe(1_000);
  });

  test("a body that comes after its access has ended is read and refused", async () => {
    const { running, gateways } = stage();
    const account = await newAccount(running, 1);
    const [access = ""] = account.sessions.map((session) => session.access);
    await expectGood(gateways, account.sessions);
    const bodies = await Promise.all(gateways.map(({ url }) => openSlowBody(url, access, { bio: "too late" })));
    expect((await running.api.post("auth/logout", undefined, access)).status).toBe(200);
    expect(await Promise.all(bodies.map((body) => body.send()))).toEqual(gateways.map(() => "401 session_ended"));
  });
}

/**
 * Calls `work` `count` times, a few at once. After a failure no further call starts, because it would still run during the
 * next test.
 */
async function inTurns(count: number, work: (n: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    try {
      while (next < count) await work(next++);
    } catch (error) {
      next = count;
      throw error;
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: AT_ONCE }, worker));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
}
