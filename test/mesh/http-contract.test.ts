import { afterAll, beforeAll, describe } from "@jest/globals";
import { startTwoOfEach } from "../support/start/installation.ts";
import { describeHttpContract } from "../support/tables/http-contract/describe.ts";

describe("the contract with clients, over two nodes of each service", () => {
  let mesh: Awaited<ReturnType<typeof startTwoOfEach>>;
  beforeAll(async () => {
    mesh = await startTwoOfEach();
  }, 120_000);
  afterAll(() => mesh?.stop(), 60_000);

  describeHttpContract(() => mesh);
});
