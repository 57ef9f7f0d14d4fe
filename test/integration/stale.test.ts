import { afterAll, beforeAll, describe } from "@jest/globals";
import { type Installation, startOneProcess } from "../support/installation.ts";
import { describeStale } from "../support/stale-flow.ts";

describe("an account that changes, in one process", () => {
  let usermesh: Installation;
  beforeAll(async () => {
    usermesh = await startOneProcess();
  }, 60_000);
  afterAll(() => usermesh?.stop());

  describeStale(() => usermesh);
});
