import { afterAll, beforeAll, describe } from "@jest/globals";
import { type MaliciousProvider, startMaliciousProvider } from "../support/fakes/malicious-provider.ts";
import { describeRoutesByRole } from "../support/flows/routes-by-role.ts";
import { startMesh, type TestMesh } from "../support/start/mesh.ts";

describe("on the mesh", () => {
  let provider: MaliciousProvider;
  let mesh: TestMesh;
  beforeAll(async () => {
    provider = await startMaliciousProvider();
    mesh = await startMesh({ env: { OAUTH_LIAR_ISSUER: provider.issuer, OAUTH_LIAR_CLIENT_ID: "usermesh" } });
  }, 60_000);
  afterAll(async () => {
    await mesh?.stop();
    await provider?.stop();
  });

  describeRoutesByRole(() => mesh);
});
