import { afterAll, beforeAll, describe } from "@jest/globals";
import { describeStale } from "../../support/flows/stale-flow.ts";
import { type Installation, startTwoOfEach } from "../../support/start/installation.ts";

describe("an account that changes, over two nodes of each service", () => {
  let mesh: Installation;
  beforeAll(async () => {
    mesh = await startTwoOfEach();
  }, 120_000);
  afterAll(() => mesh?.stop(), 60_000);

  describeStale(() => mesh);
});
