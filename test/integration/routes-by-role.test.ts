import { afterAll, beforeAll, describe } from "@jest/globals";
import { type MaliciousProvider, startMaliciousProvider } from "../support/fakes/malicious-provider.ts";
import { describeRoutesByRole } from "../support/flows/routes-by-role.ts";
import { startUsermesh, type Usermesh } from "../support/start/usermesh.ts";

describe("in one process", () => {
  let provider: MaliciousProvider;
  let usermesh: Usermesh;
  beforeAll(async () => {
    provider = await startMaliciousProvider();
    usermesh = await startUsermesh({ OAUTH_LIAR_ISSUER: provider.issuer, OAUTH_LIAR_CLIENT_ID: "usermesh" });
  });
  afterAll(async () => {
    await usermesh?.stop();
    await provider?.stop();
  });

  describeRoutesByRole(() => usermesh);
});
