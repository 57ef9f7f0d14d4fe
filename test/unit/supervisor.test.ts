import { describe, expect, test } from "@jest/globals";
import { createFailureLog } from "../../lib/runtime/failure-log.ts";
import { createSupervisor } from "../../scripts/run/supervisor.ts";
import { createVirtualTime } from "../support/fakes/virtual-time.ts";

describe("a process that ends by itself", () => {
  function setUp(starts: ReadonlyArray<"ready" | "fails"> = []) {
    const time = createVirtualTime();
    const started: number[] = [];
    const lines: string[] = [];
    const supervisor = createSupervisor({
      timers: time.timers,
      print: (line) => void lines.push(line),
      start: async (name) => {
        started.push(time.now());
        if (starts[started.length - 1] === "fails") throw new Error(`${name} exited during its start.`);
      },
      onRestarted: () => undefined,
    });
    return { time, supervisor, started, lines };
  }

  test("is started again, with longer delays while it keeps ending", async () => {
    const { time, supervisor, started } = setUp();
    for (const at of [0, 1_000, 3_000, 6_000]) {
      await time.runUntil(at);
      supervisor.onExit("users-1", "was ended by SIGKILL");
    }
    await time.runUntil(20_000);
    expect(started).toEqual([500, 2_000, 5_000, 10_000]);
    expect(supervisor.restarts("users-1")).toBe(4);
    expect(supervisor.restarts("auth-1")).toBe(0);
  });

  test("is started again soon after it was healthy for a minute", async () => {
    const { time, supervisor, started } = setUp();
    supervisor.onExit("users-1", "was ended by SIGKILL");
    await time.runUntil(70_000);
    supervisor.onExit("users-1", "was ended by SIGKILL");
    await time.runUntil(80_000);
    expect(started).toEqual([500, 70_500]);
  });

  test("is tried again when its start fails", async () => {
    const { time, supervisor, started, lines } = setUp(["fails", "fails", "ready"]);
    supervisor.onExit("users-1", "exited with code 1");
    await time.runUntil(60_000);
    expect(started).toEqual([500, 1_500, 3_500]);
    expect(lines.filter((line) => line.endsWith("during its start."))).toHaveLength(2);
  });

  test("is not started again once the mesh stops", async () => {
    const { time, supervisor, started } = setUp();
    await supervisor.stop();
    supervisor.onExit("users-1", "was ended by SIGTERM");
    await time.runUntil(60_000);
    expect(started).toEqual([]);
  });
});

test("a failure that repeats is logged once, and a minute later with the number of the others", async () => {
  const time = createVirtualTime();
  const logged: object[] = [];
  const log = { warn: (fields: object) => void logged.push(fields) };
  const failures = createFailureLog(log as unknown as Parameters<typeof createFailureLog>[0], time.clock);
  for (let n = 0; n < 100; n += 1) failures.warn("NATS away", { error: "NATS away" }, "relay failed");
  failures.warn("Redis away", { error: "Redis away" }, "relay failed");
  expect(logged).toEqual([{ error: "NATS away" }, { error: "Redis away" }]);
  await time.runUntil(61_000);
  failures.warn("NATS away", { error: "NATS away" }, "relay failed");
  expect(logged.at(-1)).toEqual({ error: "NATS away", repeated: 99 });
});
