import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { eventually } from "../support/eventually.ts";
import { type DenialStage, prepareDenials } from "../support/flows/forbidden-actions.ts";
import { signIn } from "../support/flows/main-flow.ts";
import { startMesh, type TestMesh } from "../support/start/mesh.ts";

/** [V16.5.3] Forbidden actions stay forbidden while any server or service is unavailable. */
const services = ["users", "auth", "sessions", "preferences", "mail", "admin", "webhooks"];
let mesh: TestMesh;
let stage: DenialStage;
beforeAll(async () => {
  mesh = await startMesh({
    processes: Object.fromEntries(["gateway", ...services].map((name) => [name, 1])),
    env: { REQUEST_TIMEOUT_MS: "4000" },
  });
  stage = await prepareDenials(mesh);
});
afterAll(() => mesh?.stop());

async function permitted(): Promise<string[]> {
  const answers = await Promise.all(
    Object.entries(stage.denials).map(async ([what, ask]) => [what, (await ask()).status] as const),
  );
  return answers.flatMap(([what, status]) => (status < 300 ? [`${what}: ${status}`] : []));
}

const well = () =>
  eventually("a sign-in", async () => signIn(mesh, stage.victim).then(() => true), {
    every: 200,
  });
const forgetGuesses = () => mesh.database.query("DELETE FROM auth.login_attempts");

describe("no forbidden action is accepted", () => {
  test.each(["redis", "nats", "smtp"] as const)("while %s is unavailable", async (name) => {
    await mesh[name].stop();
    try {
      expect(await permitted()).toEqual([]);
    } finally {
      await mesh[name].start();
    }
    await forgetGuesses();
    await well();
  });

  test.each(services)("while the service %s is unavailable", async (service) => {
    const name = `${service}-1`;
    await mesh.kill(name);
    expect(await permitted()).toEqual([]);
    await mesh.restart(name);
    await forgetGuesses();
    await well();
  });
});
