import { afterAll, beforeAll, describe } from "@jest/globals";
import { describeEpoch } from "../support/flows/epoch.ts";
import { type Installation, startTwoOfEach } from "../support/start/installation.ts";

describe("the epoch of an account, over two nodes of each service", () => {
  let mesh: Installation;
  beforeAll(async () => {
    mesh = await startTwoOfEach({ PASSWORD_HASH_CONCURRENCY: "4" });
  }, 120_000);
  afterAll(() => mesh.stop(), 60_000);

  describeEpoch(() => mesh, 34);
});
