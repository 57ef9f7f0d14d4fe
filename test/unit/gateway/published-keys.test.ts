import { expect, test } from "@jest/globals";
import { createPublishedKeys } from "../../../services/gateway/auth/published-keys.ts";
import { createVirtualTime } from "../../support/fakes/virtual-time.ts";

test("a gateway that starts before auth has its keys soon after auth has started", async () => {
  const time = createVirtualTime();
  let isStarted = false;
  const keys = createPublishedKeys({
    ...time,
    onFailure: () => undefined,
    fetchKeys: async () => {
      if (!isStarted) throw new Error("not yet");
      return { keys: [] };
    },
  });
  keys.start();
  time.at(1_010, () => {
    isStarted = true;
  });
  await time.runUntil(1_000);
  expect(keys.latest).toBeNull();
  await time.runUntil(1_110);
  expect(keys.latest).toEqual({ keys: [] });
  keys.stop();
});
