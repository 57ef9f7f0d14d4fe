import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { inTenant, newTenant, vendorOf, verdict } from "../support/data/tenants.ts";
import { describeTenantWalk } from "../support/flows/tenant-walk.ts";
import { startMesh, type TestMesh } from "../support/start/mesh.ts";

describe("the isolation of tenants, with two nodes of each service", () => {
  let mesh: TestMesh;
  beforeAll(async () => {
    mesh = await startMesh({ nodes: 2 });
  }, 120_000);
  afterAll(() => mesh?.stop(), 60_000);

  describeTenantWalk(() => mesh, 180_000);

  test("acting in another tenant is refused while it can't be recorded", async () => {
    const vendor = await vendorOf(mesh);
    const { slug } = await newTenant(mesh, vendor);
    const inside = () => mesh.api.request("GET", "admin/users", { token: vendor, headers: inTenant(slug) });
    expect(verdict(await inside())).toBe("200 ok");
    await Promise.all(["admin-1", "admin-2"].map(mesh.kill));
    expect(verdict(await inside())).toBe("503 service_unavailable");
    expect(verdict(await mesh.api.get("admin/users", vendor))).toBe("200 ok");
  }, 60_000);
});
