import { afterAll, beforeAll, describe } from "@jest/globals";
import { type LyingProvider, startLyingProvider } from "../support/lying-provider.ts";
import { describeRoutesByRole } from "../support/routes-by-role.ts";
import { startTestMesh, type TestMesh } from "../support/test-mesh.ts";

describe("on the mesh", () => {
  let provider: LyingProvider;
  let mesh: TestMesh;
  beforeAll(async () => {
    provider = await startLyingProvider();
    mesh = await startTestMesh({ env: { OAUTH_LIAR_ISSUER: provider.issuer, OAUTH_LIAR_CLIENT_ID: "usermesh" } });
  }, 60_000);
  afterAll(async () => {
    await mesh?.stop();
    await provider?.stop();
  });

  describeRoutesByRole(() => mesh);
});
