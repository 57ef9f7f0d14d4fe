import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { findFreePort } from "../../scripts/local-servers/ports.ts";
import { runDocumented } from "../support/clients/documented-code.ts";
import { eventually } from "../support/eventually.ts";
import { type PushServer, startPushServer } from "../support/fakes/push-service.ts";
import { newPerson, register, signIn, verifyAddress } from "../support/flows/main-flow.ts";
import { startMesh, type TestMesh } from "../support/start/mesh.ts";

const GUIDE = "docs/integration.md";

describe("the examples of the integration guide work", () => {
  let mesh: TestMesh;
  let person: Awaited<ReturnType<typeof register>>;
  let pushServer: PushServer;
  let env: Record<string, string> = {};

  beforeAll(async () => {
    pushServer = await startPushServer();
    const SERVICE_PERMISSIONS = "jobs=users:read users:validate push:send";
    mesh = await startMesh({
      processes: { gateway: 1, users: 1 },
      env: {
        SERVICE_PERMISSIONS,
        PUSH_URL: pushServer.url,
        GATEWAY_EXTENSIONS: "jobs.*",
        WEBHOOK_ALLOW_PRIVATE_ADDRESSES: "true",
      },
    });
    person = await register(mesh, newPerson("guided"), { push_token: "guided-device" });
    await verifyAddress(mesh, person);
    const { access } = await signIn(mesh, person);
    env = {
      USERMESH_URL: mesh.api.url,
      ISSUER: mesh.api.url,
      TOKEN: access,
      USER_ID: person.id,
      NATS_URL: mesh.nats.url,
    };
  });
  afterAll(async () => {
    await mesh?.stop();
    await pushServer.stop();
  });

  const newWebhook = async (url: string, access: string) => {
    const made = await mesh.api.post("admin/webhooks", { url, event_types: ["user.erased"] }, access);
    const { body } = await mesh.api.get("users/me", access);
    return { id: made.body.data.id, secret: made.body.data.secret, tenant: body.data.tenant_id };
  };

  test("over HTTP", async () => {
    expect(await runDocumented(GUIDE, "http", env)).toBe(`signed in: ${person.email}`);
  });

  test("offline, with the published keys", async () => {
    expect(await runDocumented(GUIDE, "offline", env)).toContain(`signed in: ${person.email}, tenant `);
  });

  test("over the bus, by action", async () => {
    expect(await runDocumented(GUIDE, "bus", env)).toBe(`${person.email}: active true, verified true`);
  });

  test("an HTTP route of another service", async () => {
    expect(await runDocumented(GUIDE, "routes", env)).toBe(
      "200: Hello, from the caller: true\n404: There is no such job.",
    );
  });

  test("a push requested over the bus", async () => {
    expect(await runDocumented(GUIDE, "push", env)).toBe("requested");
    const pushed = () => pushServer.received[0]?.body;
    const user = { id: person.id, name: null, language: null };
    expect(await eventually("the push", pushed)).toMatchObject({ push_token: "guided-device", title: "News", user });
  });

  test("events, from the first one", async () => {
    expect(await runDocumented(GUIDE, "events", env)).toMatch(/^user\.\w+ of [0-9a-f-]{36}, version 1 of users$/);
  });

  test("a receiver of webhooks, which verifies signatures and handles each message once", async () => {
    const { access } = await signIn(mesh, mesh.admin);
    const port = await findFreePort();
    const url = `http://127.0.0.1:${port}/`;
    const { id, secret, tenant } = await newWebhook(url, access);
    const stop = new AbortController();
    const output = runDocumented(GUIDE, "webhook", { PORT: String(port), WEBHOOK_SECRET: secret }, stop.signal);
    await eventually("the receiver", async () => (await fetch(url, { method: "POST", body: "forged" })).status === 401);
    const sent = (await mesh.api.post(`admin/webhooks/${id}/test`, undefined, access)).body.data;
    const attempts = async () =>
      (await mesh.api.get(`admin/webhooks/${id}/deliveries?state=delivered`, access)).body.data[0]?.attempts;
    await eventually("the message", async () => (await attempts()) === 1);
    await mesh.api.post(`admin/webhooks/${id}/deliveries/${sent.id}/redeliver`, undefined, access);
    await eventually("the same again", async () => (await attempts()) === 2);
    stop.abort();
    expect(await output).toBe(`webhook.test in tenant ${tenant}`);
  });

  test("a revoked session is refused over HTTP at once", async () => {
    await mesh.api.post("auth/logout", undefined, env.TOKEN);
    expect(await runDocumented(GUIDE, "http", env)).toBe("refused: session_ended");
  });
});
