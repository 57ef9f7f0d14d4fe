import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { eventually } from "../../support/eventually.ts";
import { expectGood, newAccount, type SignedIn, verdictOf, verdicts } from "../../support/flows/session-endings.ts";
import { startMesh, type TestMesh } from "../../support/start/mesh.ts";
import { nothingOfRevocations, type RemoteGateway, startRemoteGateway } from "../../support/start/remote-gateway.ts";

const LEASE_MS = 3_000;
const BOUND_MS = 6_000;

describe("a gateway with REVOCATION_MODE=bounded", () => {
  let mesh: TestMesh;
  let far: RemoteGateway;
  beforeAll(async () => {
    mesh = await startMesh({ processes: { gateway: 1, sessions: 1 } });
    far = await startRemoteGateway(mesh, {
      REVOCATION_MODE: "bounded",
      REVOCATION_MAX_STALENESS_SECONDS: String(BOUND_MS / 1_000),
    });
  });
  afterAll(async () => {
    await far?.stop();
    await mesh?.stop();
  });

  const signedIn = async (): Promise<SignedIn> => {
    const [session] = (await newAccount(mesh, 1)).sessions;
    await expectGood([mesh.api, far.api], [session as SignedIn]);
    return session as SignedIn;
  };
  const logout = async ({ access }: SignedIn) => verdictOf(await mesh.api.post("auth/logout", undefined, access));
  const says = async (session: SignedIn) => (await verdicts([far.api], [session]))[0];

  test("refuses the next request after a revocation while it is reachable, as in strict mode", async () => {
    for (let round = 0; round < 20; round += 1) {
      const session = await signedIn();
      expect([await logout(session), await says(session)]).toEqual(["200 ok", "401 session_ended"]);
    }
  });

  test("keeps serving without a lease for the configured seconds only, and learns missed revocations afterwards", async () => {
    const [ended, known] = [await signedIn(), await signedIn()];
    await logout(known);
    far.line.rule(nothingOfRevocations);
    const lostAt = performance.now();
    expect(await logout(ended)).toBe("200 ok");
    // The sign-out is answered when the lease expires; the staleness is what the operator has accepted.
    expect(await verdicts([mesh.api, far.api], [ended, known])).toEqual([
      "401 session_ended",
      "200 ok",
      "401 session_ended",
      "401 session_ended",
    ]);
    await eventually("the end of the bound", async () => (await says(ended)) === "503 service_unavailable");
    expect(performance.now() - lostAt).toBeLessThan(LEASE_MS + BOUND_MS + 5_000);
    far.line.mend();
    await eventually("its lease", async () => (await says(ended)) === "401 session_ended");
  });
});
