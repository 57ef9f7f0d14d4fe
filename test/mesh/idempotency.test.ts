import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { eventually } from "../support/eventually.ts";
import { describeKeys, expectOneAccount, registerUntilAnswered } from "../support/flows/idempotency.ts";
import { newPerson } from "../support/flows/main-flow.ts";
import { describeReplay } from "../support/flows/replay.ts";
import { startMesh, type TestMesh } from "../support/start/mesh.ts";

const VICTIMS = ["gateway", "auth", "users"] as const;
const DEATHS = 20;
/** A little more than a registration takes. */
const LATEST_MS = 60;

describe("an idempotency key, with two nodes of each service", () => {
  let mesh: TestMesh;
  beforeAll(async () => {
    mesh = await startMesh({ nodes: 2, env: { CIRCUIT_BREAKER_OPEN_SECONDS: "1" } });
  }, 120_000);
  afterAll(() => mesh?.stop(), 60_000);

  test(`a keyed registration survives ${DEATHS} deaths of a gateway, of auth and of users`, async () => {
    const back = new Map<string, Promise<void>>();
    const people: Array<ReturnType<typeof newPerson>> = [];
    for (let death = 0; death < DEATHS; death += 1) {
      const service = VICTIMS[death % VICTIMS.length] ?? "auth";
      const victim = `${service}-${(Math.floor(death / VICTIMS.length) % 2) + 1}`;
      // The other node must be up again, or no node could respond.
      await back.get(service);
      const person = newPerson("mortal");
      people.push(person);
      // Starts at the gateway that is killed, if one is.
      const gateways = victim === "gateway-2" ? mesh.gateways.toReversed() : mesh.gateways;
      const answered = registerUntilAnswered(gateways, person);
      await sleep(Math.random() * LATEST_MS);
      await mesh.kill(victim);
      const answer = await answered;
      const restarted = mesh.restart(victim);
      restarted.catch(() => undefined);
      back.set(service, restarted);
      const alive = service === "gateway" ? [gateways[1] as (typeof gateways)[0]] : gateways;
      await expectOneAccount({ ...mesh, gateways: alive }, person, answer);
    }
    await Promise.all(back.values());
    const mailsTo = ({ email }: { email: string }) => mesh.mails().filter((mail) => mail.to.includes(email)).length;
    await eventually("the mails", () => people.every((person) => mailsTo(person) > 0), { within: 60_000 });
    await mesh.settled();
    expect(people.map(mailsTo)).toEqual(Array(DEATHS).fill(1));
  }, 150_000);

  describeKeys(() => mesh);
  describeReplay(() => mesh);
});
