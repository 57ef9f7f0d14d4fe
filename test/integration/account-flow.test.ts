import { afterAll, beforeAll, describe } from "@jest/globals";
import { describeAccountFlow } from "../support/flows/account-flow.ts";
import type { Installation } from "../support/start/installation.ts";
import { startUsermesh } from "../support/start/usermesh.ts";

describe("an account in one process", () => {
  let usermesh: Installation;
  beforeAll(async () => {
    usermesh = await startUsermesh();
  });
  afterAll(() => usermesh?.stop());

  describeAccountFlow(() => usermesh);
});
