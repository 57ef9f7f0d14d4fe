import { expect, test } from "@jest/globals";
import pino from "pino";
import { readConfig } from "../../../lib/config/config.ts";
import { parseKeyRing } from "../../../lib/crypto/key-ring.ts";
import { OverloadedError } from "../../../lib/runtime/bulkhead.ts";
import { systemClock } from "../../../lib/runtime/clock.ts";
import { createHashAdmission } from "../../../services/auth/password/hash-admission.ts";

/** One hash at a time, and the expected 250 ms of a hash at cost 12 allow four more to wait. */
const PLACES = 5;
const config = readConfig({
  NODE_ENV: "test",
  SECRET_KEY: "s".repeat(32),
  PASSWORD_HASH_COST: "12",
  PASSWORD_HASH_CONCURRENCY: "1",
  PASSWORD_HASH_MAX_WAIT_MS: "1000",
});
const request = { deadline: Number.POSITIVE_INFINITY };

const createAdmission = () =>
  createHashAdmission({
    config,
    ring: parseKeyRing(`k1:${"o".repeat(32)}`),
    clock: systemClock,
    log: pino({ level: "silent" }),
  });

test("requests that arrive at once are refused before any work is done for them", async () => {
  const admission = createAdmission();
  let begun = 0;
  let finish: () => void = () => undefined;
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const burst = Array.from({ length: 300 }, () =>
    admission.reserve("sign_up", request, async () => {
      begun += 1;
      await finished;
    }),
  );
  finish();
  const results = await Promise.allSettled(burst);
  expect(begun).toBe(PLACES);
  const refusals = results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
  expect(refusals.length).toBe(300 - PLACES);
  for (const reason of refusals) expect(reason).toBeInstanceOf(OverloadedError);
});

test("a request that does not hash is not refused while others wait, and one that hashes is", async () => {
  const admission = createAdmission();
  const held = Array.from({ length: PLACES }, () =>
    admission.reserve("change_password", request, () => new Promise(() => undefined)),
  );
  expect(held.length).toBe(PLACES);
  const passwords = admission.passwordsFor("change_password", request);
  await expect(passwords.simulateVerify("Some-password-1")).rejects.toBeInstanceOf(OverloadedError);
});
