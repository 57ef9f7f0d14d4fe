import { afterAll, beforeAll, describe } from "@jest/globals";
import { type Installation, startOneProcess } from "../support/installation.ts";
import { describeOneWinner } from "../support/one-winner.ts";

describe("of many at once one wins, in one process", () => {
  let usermesh: Installation;
  beforeAll(async () => {
    usermesh = await startOneProcess();
  });
  afterAll(() => usermesh?.stop());

  describeOneWinner(() => usermesh);
});
