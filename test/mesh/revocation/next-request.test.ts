import { afterAll, beforeAll, describe } from "@jest/globals";
import { describeRevocation } from "../../support/flows/revocation-flow.ts";
import { startMesh, type TestMesh } from "../../support/start/mesh.ts";

describe("a revocation, with two nodes of each service", () => {
  let mesh: TestMesh;
  beforeAll(async () => {
    mesh = await startMesh({ nodes: 2 });
  }, 120_000);
  afterAll(() => mesh.stop(), 60_000);

  describeRevocation(() => ({ running: mesh, gateways: mesh.gateways }));
});
