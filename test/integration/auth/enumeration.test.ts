import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { type AuthServices, type Person, startAuth, wrong } from "../../support/auth-services.ts";

/** Whether an account exists must not be told by how long an answer takes (ASVS 5.0 V6.3.8). */
let auth: AuthServices;
let person: Person;
jest.setTimeout(120_000);
beforeAll(async () => {
  auth = await startAuth({ BCRYPT_COST: "8" });
  person = await auth.register();
});
afterAll(() => auth?.stop());

const median = (values: number[]) => values.toSorted((left, right) => left - right)[values.length >> 1] ?? 0;

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work().catch(() => undefined);
  return performance.now() - start;
}

/** The median of the differences of neighbours: what slows the whole machine slows both. */
async function differenceOf(pairs: number, work: (email: string, n: number) => Promise<unknown>): Promise<number> {
  const differences: number[] = [];
  const times: number[] = [];
  for (let n = 0; n < pairs; n += 1) {
    await auth.database.query("DELETE FROM auth.guesses");
    const known = () => timeOf(() => work(person.email, n));
    const unknown = () => timeOf(() => work(`stranger-${n}@example.com`, n));
    const [first, second] = n % 2 === 0 ? [await known(), await unknown()] : [await unknown(), await known()];
    differences.push(n % 2 === 0 ? first - second : second - first);
    times.push(first, second);
  }
  return Math.abs(median(differences)) / median(times);
}

describe("known and unknown take the same time", () => {
  test("to sign in", async () => {
    const guess = (email: string, n: number) => auth.login({ email, password: wrong }, `198.51.100.${n}`);
    expect(await differenceOf(100, guess)).toBeLessThan(0.1);
  });

  test("to ask for a reset", async () => {
    expect(await differenceOf(100, (email) => auth.from("192.0.2.1", "auth.requestReset", { email }))).toBeLessThan(
      0.1,
    );
  });

  test("to ask for a verification", async () => {
    const ask = (email: string) => auth.from("192.0.2.1", "auth.requestVerification", { email });
    expect(await differenceOf(100, ask)).toBeLessThan(0.1);
  });
});
