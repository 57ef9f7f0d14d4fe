import { randomUUID } from "node:crypto";
import { LeaseKeeper } from "../../lib/revocation/lease-keeper.ts";
import { systemClock } from "../../lib/runtime/clock.ts";
import { createVirtualTime } from "../support/fakes/virtual-time.ts";
import type { Line } from "./table.ts";

const REVOKED = 100_000;
const TOKENS = 1_000;
const REQUESTS = 200_000;
/** When the request arrives, and when its call is sent. */
const CHECKS_PER_REQUEST = 2;
const LIMIT_MICROSECONDS = 5;

/** What a request pays for immediate revocation when nothing of its own is revoked. */
export async function measureRevocationCheck(): Promise<Line> {
  const keeper = new LeaseKeeper({
    clock: systemClock,
    timers: createVirtualTime().timers,
    maxStalenessMs: 0,
    retentionMs: 3_600_000,
    onRenewalFailed: () => undefined,
    onHeldChanged: () => undefined,
  });
  const changes = Array.from({ length: REVOKED }, (_, n) => ({
    kind: ["session", "user", "tenant"][n % 3] as string,
    key: randomUUID(),
    value: n % 3 ? 1 : null,
  }));
  keeper.start({ nodes: () => ["a"], renew: async () => ({ changes, seq: REVOKED, granted: true, full: true }) });
  await new Promise(setImmediate);
  const tokens = Array.from({ length: TOKENS }, () => ({
    ...{ sid: randomUUID(), sub: randomUUID(), tid: randomUUID() },
    ...{ ver: 0, tver: 0 },
  }));
  const started = performance.now();
  for (let n = 0; n < REQUESTS * CHECKS_PER_REQUEST; n += 1) keeper.check(tokens[n % TOKENS] as never);
  const cost = ((performance.now() - started) * 1_000) / REQUESTS;
  return {
    what: "revocation check, per request",
    ours: `${cost.toFixed(2)} µs`,
    limit: "",
    goal: `<= ${LIMIT_MICROSECONDS} µs`,
    met: cost <= LIMIT_MICROSECONDS,
  };
}
