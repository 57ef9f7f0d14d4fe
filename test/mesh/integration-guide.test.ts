import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { runDocumented } from "../support/clients/documented-code.ts";
import { eventually } from "../support/eventually.ts";
import { type PushServer, startPushServer } from "../support/fakes/push-service.ts";
import { linkToken, mailTo, newPerson, register, signIn } from "../support/flows/main-flow.ts";
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
      env: { SERVICE_PERMISSIONS, PUSH_URL: pushServer.url, GATEWAY_EXTENSIONS: "jobs.*" },
    });
    person = await register(mesh, newPerson("guided"), { push_token: "guided-device" });
    await mesh.api.post("auth/verify-email", { token: linkToken(await mailTo(mesh, person.email, /verify-email/)) });
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

  test("a revoked session is refused over HTTP at once", async () => {
    await mesh.api.post("auth/logout", undefined, env.TOKEN);
    expect(await runDocumented(GUIDE, "http", env)).toBe("refused: session_ended");
  });
});
