import { afterAll, beforeAll, describe } from "@jest/globals";
import { describeEpoch } from "../support/flows/epoch.ts";
import type { Installation } from "../support/start/installation.ts";
import { startUsermesh } from "../support/start/usermesh.ts";

describe("the epoch of an account, in one process", () => {
  let usermesh: Installation;
  beforeAll(async () => {
    usermesh = await startUsermesh({ PASSWORD_HASH_CONCURRENCY: "4" });
  });
  afterAll(() => usermesh?.stop());

  describeEpoch(() => usermesh, 8);
});
