import { afterAll, beforeAll, describe } from "@jest/globals";
import { type Installation, startOneProcess } from "../support/installation.ts";
import { describeTenantWalk } from "../support/tenant-walk.ts";

describe("the wall between tenants, in one process", () => {
  let usermesh: Installation;
  beforeAll(async () => {
    usermesh = await startOneProcess();
  });
  afterAll(() => usermesh?.stop());

  describeTenantWalk(() => usermesh, 90_000);
});
