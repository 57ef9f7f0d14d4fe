import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { register, signIn } from "../support/main-flow.ts";
import { startTestMesh, type TestMesh } from "../support/test-mesh.ts";

let mesh: TestMesh;
let access: string;
beforeAll(async () => {
  mesh = await startTestMesh({ nodes: 2 });
  access = (await signIn(mesh, await register(mesh))).access;
}, 60_000);
afterAll(() => mesh.stop());

const readers = 8;
const resources = [
  ["users/me", "bio", (turn: number) => `turn ${turn}`],
  ["users/me/profile", "headline", (turn: number) => `turn ${turn}`],
  ["users/me/preferences", "age_max", (turn: number) => 40 + turn],
] as const;

/** Asked of both gateways, and so of both nodes behind them, more often than there are nodes. */
async function everywhere(path: string, field: string): Promise<unknown[]> {
  const asked = Array.from({ length: readers }, (_, turn) => mesh.gateways[turn % 2]?.get(path, access));
  return (await Promise.all(asked)).map((answer) => [answer?.status, answer?.body.data?.[field]]);
}

describe("with two nodes of each service", () => {
  test.each(resources)(
    "whoever has written %s reads it so at every node",
    async (path, field, value) => {
      for (let turn = 0; turn < 10; turn++) {
        await everywhere(path, field);
        expect((await mesh.api.patch(path, { [field]: value(turn) }, access)).status).toBe(200);
        expect(await everywhere(path, field)).toEqual(Array(readers).fill([200, value(turn)]));
      }
    },
    60_000,
  );

  test("a node that was paused during the write does not answer from before", async () => {
    await everywhere("users/me", "bio");
    mesh.pause("users-2");
    const written = await mesh.api.patch("users/me", { bio: "while it slept" }, access);
    mesh.resume("users-2");
    // Where the paused node itself was to write, nobody was told that it is done.
    if (written.status !== 200)
      expect((await mesh.api.patch("users/me", { bio: "while it slept" }, access)).status).toBe(200);
    for (let turn = 0; turn < 20; turn++) {
      const answers = (await everywhere("users/me", "bio")) as Array<[number, unknown]>;
      for (const [status, bio] of answers) if (status === 200) expect(bio).toBe("while it slept");
    }
  }, 60_000);
});
