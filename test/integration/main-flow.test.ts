import { afterAll, beforeAll, describe } from "@jest/globals";
import { describeMainFlow } from "../support/flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "../support/start/usermesh.ts";

describe("the main job in one process", () => {
  let usermesh: Usermesh;
  beforeAll(async () => {
    usermesh = await startUsermesh();
  });
  afterAll(() => usermesh.stop());

  describeMainFlow(() => usermesh);
});
