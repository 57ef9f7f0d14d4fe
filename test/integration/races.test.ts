import { afterAll, beforeAll, describe } from "@jest/globals";
import { describeEpoch } from "../support/flows/epoch.ts";
import { describeOneWinner } from "../support/flows/one-winner.ts";
import { describeStale } from "../support/flows/stale-flow.ts";
import { startUsermesh, type Usermesh } from "../support/start/usermesh.ts";

/** test/mesh/races.test.ts runs the same with two nodes of each service. */
describe("in one process", () => {
  let usermesh: Usermesh;
  beforeAll(async () => {
    usermesh = await startUsermesh({ PASSWORD_HASH_CONCURRENCY: "4" });
  });
  afterAll(() => usermesh?.stop());

  describe("the epoch of an account", () => describeEpoch(() => usermesh, 8));
  describe("a changed account", () => describeStale(() => usermesh));
  describe("concurrent requests have one winner", () => describeOneWinner(() => usermesh));
});
