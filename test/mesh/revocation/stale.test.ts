import { afterAll, beforeAll, describe } from "@jest/globals";
import { describeStale } from "../../support/flows/stale-flow.ts";
import type { Installation } from "../../support/start/installation.ts";
import { startMesh } from "../../support/start/mesh.ts";

describe("a changed account, with two nodes of each service", () => {
  let mesh: Installation;
  beforeAll(async () => {
    mesh = await startMesh({ nodes: 2 });
  }, 120_000);
  afterAll(() => mesh?.stop(), 60_000);

  describeStale(() => mesh);
});
