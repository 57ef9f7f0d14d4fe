import { afterAll, beforeAll, describe } from "@jest/globals";
import { describeHttpContract } from "../support/http-contract/describe.ts";
import { type Installation, startOneProcess } from "../support/installation.ts";

describe("the contract with clients, in one process", () => {
  let usermesh: Installation;
  beforeAll(async () => {
    usermesh = await startOneProcess();
  });
  afterAll(() => usermesh?.stop());

  describeHttpContract(() => usermesh);
});
