import { afterAll, beforeAll, describe } from "@jest/globals";
import { describeTenantWalk } from "../support/flows/tenant-walk.ts";
import { type Installation, startOneProcess } from "../support/start/installation.ts";

describe("the wall between tenants, in one process", () => {
  let usermesh: Installation;
  beforeAll(async () => {
    usermesh = await startOneProcess();
  });
  afterAll(() => usermesh?.stop());

  describeTenantWalk(() => usermesh, 90_000);
});
