import { afterAll, beforeAll, describe } from "@jest/globals";
import { describeOneWinner } from "../support/flows/one-winner.ts";
import { type Installation, startOneProcess } from "../support/start/installation.ts";

describe("of many at once one wins, in one process", () => {
  let usermesh: Installation;
  beforeAll(async () => {
    usermesh = await startOneProcess();
  });
  afterAll(() => usermesh?.stop());

  describeOneWinner(() => usermesh);
});
