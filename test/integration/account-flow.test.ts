import { afterAll, beforeAll, describe } from "@jest/globals";
import { describeAccountFlow } from "../support/flows/account-flow.ts";
import { type Installation, startOneProcess } from "../support/start/installation.ts";

describe("an account in one process", () => {
  let usermesh: Installation;
  beforeAll(async () => {
    usermesh = await startOneProcess();
  });
  afterAll(() => usermesh?.stop());

  describeAccountFlow(() => usermesh);
});
