import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { eventually } from "../support/eventually.ts";
import { describeMainFlow, newPerson, register } from "../support/flows/main-flow.ts";
import { startMesh, type TestMesh } from "../support/start/mesh.ts";

const OUTAGE_MS = 20_000;

describe("the main flow on a real mesh", () => {
  let mesh: TestMesh;
  beforeAll(async () => {
    mesh = await startMesh({ env: { CIRCUIT_BREAKER_OPEN_SECONDS: "3" } });
  }, 120_000);
  afterAll(() => mesh.stop(), 60_000);

  test("every service and worker runs in its own process", () => {
    const pids = mesh.names().map((name) => mesh.pid(name));
    expect(new Set(pids).size).toBe(10);
  });

  describeMainFlow(() => mesh);

  test("sign-up works while SMTP is down, and each mail is sent once afterwards", async () => {
    await mesh.smtp.stop();
    const people: Array<{ readonly email: string }> = [];
    const until = performance.now() + OUTAGE_MS;
    while (performance.now() < until) {
      people.push(await register(mesh, newPerson("outage")));
      await sleep(1_000);
    }
    await mesh.smtp.start();
    const to = (email: string) => mesh.mails().filter((mail) => mail.to.includes(email));
    await eventually("all mails", () => people.every(({ email }) => to(email).length > 0), { within: 30_000 });
    expect(people.length).toBeGreaterThan(10);
    expect(people.filter(({ email }) => to(email).length !== 1)).toEqual([]);
  }, 120_000);
});
