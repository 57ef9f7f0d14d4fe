import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { runDocumented } from "../support/documented-code.ts";
import { linkToken, mailTo, newPerson, register, signIn } from "../support/main-flow.ts";
import { startTestMesh, type TestMesh } from "../support/test-mesh.ts";

const GUIDE = "docs/integration.md";

describe("the integration guide does what it says", () => {
  let mesh: TestMesh;
  let person: Awaited<ReturnType<typeof register>>;
  let env: Record<string, string> = {};

  beforeAll(async () => {
    mesh = await startTestMesh({ env: { SERVICE_PERMISSIONS: "jobs=users:read users:validate" } });
    person = await register(mesh, newPerson("guided"));
    await mesh.api.post("auth/verify-email", { token: linkToken(await mailTo(mesh, person.email, /verify-email/)) });
    const { access } = await signIn(mesh, person);
    env = {
      USERMESH_URL: mesh.api.url,
      ISSUER: mesh.api.url,
      TOKEN: access,
      USER_ID: person.id,
      NATS_URL: mesh.nats.url,
    };
  }, 120_000);
  afterAll(() => mesh.stop(), 60_000);

  test("over HTTP", async () => {
    expect(await runDocumented(GUIDE, "http", env)).toBe(`signed in: ${person.email}`);
  });

  test("offline, with the published keys", async () => {
    expect(await runDocumented(GUIDE, "offline", env)).toContain(`signed in: ${person.email}, tenant `);
  });

  test("over the bus, by action", async () => {
    expect(await runDocumented(GUIDE, "bus", env)).toBe(`${person.email}: active true, verified true`);
  });

  test("over the bus, from the first event on", async () => {
    expect(await runDocumented(GUIDE, "events", env)).toMatch(/^user\.\w+ of [0-9a-f-]{36}, version 1 of users$/);
  });

  test("an ended session is refused over HTTP at once", async () => {
    await mesh.api.post("auth/logout", undefined, env.TOKEN);
    expect(await runDocumented(GUIDE, "http", env)).toBe("refused: session_ended");
  });
});
