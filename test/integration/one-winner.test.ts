import { afterAll, beforeAll, describe } from "@jest/globals";
import { describeOneWinner } from "../support/flows/one-winner.ts";
import type { Installation } from "../support/start/installation.ts";
import { startUsermesh } from "../support/start/usermesh.ts";

describe("of many at once one wins, in one process", () => {
  let usermesh: Installation;
  beforeAll(async () => {
    usermesh = await startUsermesh();
  });
  afterAll(() => usermesh?.stop());

  describeOneWinner(() => usermesh);
});
