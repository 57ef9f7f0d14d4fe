import { afterAll, beforeAll, describe } from "@jest/globals";
import { describeEpoch } from "../support/flows/epoch.ts";
import type { Installation } from "../support/start/installation.ts";
import { startMesh } from "../support/start/mesh.ts";

describe("the epoch of an account, with two nodes of each service", () => {
  let mesh: Installation;
  beforeAll(async () => {
    mesh = await startMesh({ nodes: 2, env: { PASSWORD_HASH_CONCURRENCY: "4" } });
  }, 120_000);
  afterAll(() => mesh.stop(), 60_000);

  describeEpoch(() => mesh, 34);
});
