import { afterAll, beforeAll, describe } from "@jest/globals";
import { describeStale } from "../support/flows/stale-flow.ts";
import type { Installation } from "../support/start/installation.ts";
import { startUsermesh } from "../support/start/usermesh.ts";

describe("an account that changes, in one process", () => {
  let usermesh: Installation;
  beforeAll(async () => {
    usermesh = await startUsermesh();
  }, 60_000);
  afterAll(() => usermesh?.stop());

  describeStale(() => usermesh);
});
