import { afterEach, describe, expect, jest, test } from "@jest/globals";
import { Errors, ServiceBroker } from "moleculer";
import { AppError } from "../../../lib/actions/errors.ts";
import { callWithFailover } from "../../../services/gateway/api/call-action.ts";

let broker: ServiceBroker;
let calls = 0;

/** A broker whose one service answers the n-th call with the n-th of `answers`. */
async function answering(...answers: Array<() => unknown>): Promise<ServiceBroker> {
  calls = 0;
  broker = new ServiceBroker({ logger: false });
  broker.createService({ name: "auth", actions: { refresh: async () => answers[calls++]?.() } });
  await broker.start();
  return broker;
}

const refresh = { action: "auth.refresh", params: {}, meta: { correlation_id: "c" }, timeout: 9_000 };
const away = () => {
  throw new Errors.ServiceNotAvailableError({ action: "sessions.refresh" });
};
const silent = () => new Promise(() => undefined);

describe("a refresh", () => {
  afterEach(() => {
    jest.useRealTimers();
    return broker.stop();
  });

  test("is sent again where its node or its answer was lost", async () => {
    expect(await callWithFailover(await answering(away, () => "pair"), refresh)).toBe("pair");
  });

  test("is sent again when no answer has come for 1.5 s", async () => {
    const slow = await answering(silent, () => "pair");
    jest.useFakeTimers({ doNotFake: ["nextTick", "setImmediate", "queueMicrotask"] });
    const answer = callWithFailover(slow, refresh);
    await jest.advanceTimersByTimeAsync(1_499);
    expect(calls).toBe(1);
    await jest.advanceTimersByTimeAsync(1);
    expect(await answer).toBe("pair");
  });

  test("is sent three times at most", async () => {
    await expect(callWithFailover(await answering(away, away, away, () => "pair"), refresh)).rejects.toThrow();
    expect(calls).toBe(3);
  });

  test("is not repeated where it was refused", async () => {
    const refuse = () => {
      throw new AppError("token_reused");
    };
    await expect(callWithFailover(await answering(refuse), refresh)).rejects.toMatchObject({ type: "token_reused" });
    expect(calls).toBe(1);
  });
});
