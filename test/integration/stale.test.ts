import { afterAll, beforeAll, describe } from "@jest/globals";
import { describeStale } from "../support/flows/stale-flow.ts";
import { type Installation, startOneProcess } from "../support/start/installation.ts";

describe("an account that changes, in one process", () => {
  let usermesh: Installation;
  beforeAll(async () => {
    usermesh = await startOneProcess();
  }, 60_000);
  afterAll(() => usermesh?.stop());

  describeStale(() => usermesh);
});
