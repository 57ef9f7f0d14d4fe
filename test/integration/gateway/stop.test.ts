import { expect, test } from "@jest/globals";
import { eventually } from "../../support/eventually.ts";
import { createTestDatabase } from "../../support/start/database.ts";
import { startServices } from "../../support/start/services.ts";

test("a request in flight is answered before the services behind it stop", async () => {
  const running = await startServices("all", { PASSWORD_HASH_COST: "12" });
  await eventually("readiness", async () => (await fetch(`${running.url}/health/ready`)).ok);
  const body = JSON.stringify({ email: "late@example.com", password: "Through-the-doors-1" });
  const answer = fetch(`${running.url}/api/v1/auth/register`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });
  await eventually("the registration and the question for it in flight", async () =>
    (await (await fetch(`${running.url}/metrics`)).text()).includes("usermesh_http_requests_in_flight 2"),
  );
  const stopped = running.stop();
  const { status, headers } = await answer;
  await stopped;
  expect([status, headers.get("connection")]).toEqual([201, "close"]);
});

test("between not ready and closing, load balancers have time to notice: new connections are served meanwhile", async () => {
  const running = await startServices("all", { SHUTDOWN_DELAY_SECONDS: "2" });
  const isReady = async () => (await fetch(`${running.url}/health/ready`)).ok;
  await eventually("readiness", isReady);
  const stopped = running.stop();
  await eventually("not ready", async () => !(await isReady()));
  const answer = await fetch(`${running.url}/api/v1/auth/refresh`, {
    method: "POST",
    headers: { "content-type": "application/json", connection: "close" },
    body: JSON.stringify({ refresh_token: "v1.unknown" }),
  });
  expect([answer.status, answer.headers.get("connection")]).toEqual([401, "close"]);
  await stopped;
  await expect(fetch(`${running.url}/health/live`)).rejects.toThrow();
});

test("every lease is released: sessions stops after the services that hold one", async () => {
  const database = await createTestDatabase();
  const running = await startServices("all", { DATABASE_URL: database.url });
  await eventually("readiness", async () => (await fetch(`${running.url}/health/ready`)).ok);
  const leases = () => database.query("SELECT FROM sessions.leases");
  await eventually("leases of the gateway, users and preferences", async () => (await leases()).length === 3);
  await running.stop();
  expect(await leases()).toEqual([]);
  await database.drop();
});
