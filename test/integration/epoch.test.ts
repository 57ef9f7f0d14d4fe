import { afterAll, beforeAll, describe } from "@jest/globals";
import { describeEpoch } from "../support/flows/epoch.ts";
import { type Installation, startOneProcess } from "../support/start/installation.ts";

describe("the epoch of an account, in one process", () => {
  let usermesh: Installation;
  beforeAll(async () => {
    usermesh = await startOneProcess({ PASSWORD_HASH_CONCURRENCY: "4" });
  });
  afterAll(() => usermesh?.stop());

  describeEpoch(() => usermesh, 8);
});
