import { randomUUID } from "node:crypto";
import { afterEach, expect, test } from "@jest/globals";
import { jobs, type Pushing, startPushing } from "../../support/data/pushes.ts";
import { eventually } from "../../support/eventually.ts";
import { startUsermesh } from "../../support/start/usermesh.ts";

let pushing: Pushing;
afterEach(async () => {
  await pushing?.stop();
  pushing = undefined as never;
});

const start = async (env: Record<string, string> = {}) => {
  pushing = await startPushing(env);
};

/** Requests a push; the push service responds with these statuses in turn. */
const pushAnswered = async (...statuses: number[]): Promise<string> => {
  const { id: user_id } = await pushing.person();
  const id = randomUUID();
  pushing.server.answer(id, ...statuses);
  return pushing.push(user_id, { id });
};

test("a push that fails twice is delivered by the third attempt", async () => {
  await start();
  const id = await pushAnswered(500, 503, 200);
  expect(await pushing.done(id)).toMatchObject({ state: "sent" });
  expect(pushing.server.of(id)).toHaveLength(3);
  expect(new Set(pushing.server.of(id).map(({ headers }) => headers["idempotency-key"]))).toEqual(new Set([id]));
});

test("a push that fails three times becomes a dead letter, and is delivered when that is retried", async () => {
  await start();
  const id = await pushAnswered(500, 429, 500, 200);
  const letter = await pushing.deadLetter(id);
  expect(letter).toMatchObject({ attempts: 3, reason: "The push service is unavailable." });
  expect(pushing.server.of(id)).toHaveLength(3);
  await pushing.retry(letter.id);
  expect(await pushing.done(id)).toMatchObject({ state: "sent" });
  expect(pushing.server.of(id)).toHaveLength(4);
});

test("a push the service rejects permanently becomes a dead letter at once and delays no other", async () => {
  await start();
  const id = await pushAnswered(400);
  const next = await pushAnswered(200);
  expect(await pushing.deadLetter(id)).toMatchObject({ attempts: 1 });
  expect(await pushing.done(next)).toMatchObject({ state: "sent" });
  expect(pushing.server.of(id)).toHaveLength(1);
});

test("pushes wait while the circuit breaker is open, and use no attempts", async () => {
  await start({ CIRCUIT_BREAKER_FAILURES: "2", CIRCUIT_BREAKER_OPEN_SECONDS: "6" });
  pushing.server.behave(500);
  const first = await pushing.push((await pushing.person()).id);
  await eventually("two failures", () => pushing.server.received.length === 2);
  const others = await Promise.all([1, 2, 3].map(async () => pushing.push((await pushing.person()).id)));
  await eventually("a job is held back", async () => {
    const { waiting = 0, delayed = 0, active = 0 } = await pushing.usermesh.platform.queues.counts("push");
    return waiting + delayed + active === 4;
  });
  pushing.server.behave(200);
  const states = [];
  for (const id of [first, ...others])
    states.push(await eventually("the push", async () => (await pushing.row(id))?.state === "sent" && "sent"));
  expect(states).toEqual(["sent", "sent", "sent", "sent"]);
  const times = pushing.server.received.map(({ at }) => at);
  expect(times).toHaveLength(2 + 4);
  expect((times[2] ?? 0) - (times[1] ?? 0)).toBeGreaterThan(5_500);
  expect(await pushing.usermesh.platform.queues.counts("push")).toMatchObject({ failed: 0 });
});

test("without PUSH_URL pushes are refused, and the error says what to set", async () => {
  const usermesh = await startUsermesh({ SERVICE_PERMISSIONS: "jobs=push:send" });
  try {
    const { body } = await usermesh.api.post("auth/login", usermesh.admin);
    const params = { id: randomUUID(), user_id: body.data.user.id, title: "A", body: "B" };
    await expect(usermesh.call("mail.push", params, jobs)).rejects.toMatchObject({
      type: "push_unavailable",
      status: 503,
      message: expect.stringContaining("PUSH_URL"),
    });
    expect(await usermesh.database.query("SELECT id FROM mail.pushes")).toEqual([]);
  } finally {
    await usermesh.stop();
  }
});
