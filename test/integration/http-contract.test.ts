import { afterAll, beforeAll, describe } from "@jest/globals";
import { type Installation, startOneProcess } from "../support/start/installation.ts";
import { describeHttpContract } from "../support/tables/http-contract/describe.ts";

describe("the contract with clients, in one process", () => {
  let usermesh: Installation;
  beforeAll(async () => {
    usermesh = await startOneProcess();
  });
  afterAll(() => usermesh?.stop());

  describeHttpContract(() => usermesh);
});
