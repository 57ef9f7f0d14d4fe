import { afterAll, beforeAll, describe } from "@jest/globals";
import { describeAccountFlow } from "../support/flows/account-flow.ts";
import { startMesh, type TestMesh } from "../support/start/mesh.ts";

describe("an account on a mesh with two nodes of each service", () => {
  let mesh: TestMesh;
  beforeAll(async () => {
    mesh = await startMesh({ nodes: 2 });
  }, 90_000);
  afterAll(() => mesh?.stop());

  describeAccountFlow(() => mesh);
});
