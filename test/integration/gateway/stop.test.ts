import { expect, test } from "@jest/globals";
import { eventually } from "../../support/eventually.ts";
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
