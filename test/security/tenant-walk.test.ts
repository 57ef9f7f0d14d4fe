import { afterAll, beforeAll, describe } from "@jest/globals";
import { describeTenantWalk } from "../support/flows/tenant-walk.ts";
import type { Installation } from "../support/start/installation.ts";
import { startUsermesh } from "../support/start/usermesh.ts";

describe("the wall between tenants, in one process", () => {
  let usermesh: Installation;
  beforeAll(async () => {
    usermesh = await startUsermesh();
  });
  afterAll(() => usermesh?.stop());

  describeTenantWalk(() => usermesh);
});
