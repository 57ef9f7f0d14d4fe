import { afterAll, beforeAll, describe } from "@jest/globals";
import { describeRevocation } from "../../support/flows/revocation-flow.ts";
import { startMesh, type TestMesh } from "../../support/start/mesh.ts";

describe("when access has ended, on a mesh with two of each", () => {
  let mesh: TestMesh;
  beforeAll(async () => {
    mesh = await startMesh({ nodes: 2 });
  }, 120_000);
  afterAll(() => mesh.stop(), 60_000);

  describeRevocation(() => ({ running: mesh, gateways: mesh.gateways }));
});
