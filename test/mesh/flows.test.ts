import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { inTenant, newTenant, vendorOf, verdict } from "../support/data/tenants.ts";
import { eventually } from "../support/eventually.ts";
import { type MaliciousProvider, startMaliciousProvider } from "../support/fakes/malicious-provider.ts";
import { describeAccountFlow } from "../support/flows/account-flow.ts";
import { describeMainFlow, newPerson, register } from "../support/flows/main-flow.ts";
import { describeRoutesByRole } from "../support/flows/routes-by-role.ts";
import { describeServicePermissions, SERVICE_PERMISSIONS } from "../support/flows/service-permissions.ts";
import { describeTenantWalk } from "../support/flows/tenant-walk.ts";
import { startMesh, type TestMesh } from "../support/start/mesh.ts";

const OUTAGE_MS = 10_000;

describe("with two nodes of the services that most requests need", () => {
  let provider: MaliciousProvider;
  let mesh: TestMesh;
  beforeAll(async () => {
    provider = await startMaliciousProvider();
    const oauth = { OAUTH_LIAR_ISSUER: provider.issuer, OAUTH_LIAR_CLIENT_ID: "usermesh" };
    mesh = await startMesh({
      processes: { gateway: 2, auth: 2, users: 2, sessions: 2, admin: 2, webhooks: 2 },
      env: { ...oauth, SERVICE_PERMISSIONS, CIRCUIT_BREAKER_OPEN_SECONDS: "3" },
    });
  });
  afterAll(async () => {
    await mesh?.stop();
    await provider?.stop();
  });

  describe("the main flow", () => describeMainFlow(() => mesh));
  describe("an account", () => describeAccountFlow(() => mesh));
  describe("every route, as every role", () => describeRoutesByRole(() => mesh));
  describe("service permissions", () => describeServicePermissions(() => mesh));
  describe("the isolation of tenants", () => {
    describeTenantWalk(() => mesh);

    test("acting in another tenant is refused while it can't be recorded", async () => {
      const vendor = await vendorOf(mesh);
      const { slug } = await newTenant(mesh, vendor);
      const inside = () => mesh.api.request("GET", "admin/users", { token: vendor, headers: inTenant(slug) });
      const both = ["admin-1", "admin-2"];
      expect(verdict(await inside())).toBe("200 ok");
      await Promise.all(both.map(mesh.kill));
      expect(verdict(await inside())).toBe("503 service_unavailable");
      expect(verdict(await mesh.api.get("admin/users", vendor))).toBe("200 ok");
      await Promise.all(both.map(mesh.restart));
    });
  });

  test("sign-up works while SMTP is down, and each mail is sent once afterwards", async () => {
    await mesh.smtp.stop();
    const people: Array<{ readonly email: string }> = [];
    const until = performance.now() + OUTAGE_MS;
    while (performance.now() < until) {
      people.push(await register(mesh, newPerson("outage")));
      await sleep(500);
    }
    await mesh.smtp.start();
    const to = (email: string) => mesh.mails().filter((mail) => mail.to.includes(email));
    await eventually("all mails", () => people.every(({ email }) => to(email).length > 0));
    expect(people.length).toBeGreaterThan(5);
    expect(people.filter(({ email }) => to(email).length !== 1)).toEqual([]);
  });
});
