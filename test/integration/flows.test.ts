import { afterAll, beforeAll, describe } from "@jest/globals";
import { type MaliciousProvider, startMaliciousProvider } from "../support/fakes/malicious-provider.ts";
import { describeAccountFlow } from "../support/flows/account-flow.ts";
import { describeMainFlow } from "../support/flows/main-flow.ts";
import { describeRoutesByRole } from "../support/flows/routes-by-role.ts";
import { startUsermesh, type Usermesh } from "../support/start/usermesh.ts";

/** test/mesh/flows.test.ts runs the same with two nodes of each service. */
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

  describe("the main flow", () => describeMainFlow(() => usermesh));
  describe("an account", () => describeAccountFlow(() => usermesh));
  describe("every route, as every role", () => describeRoutesByRole(() => usermesh));
});
