import { readdirSync, readFileSync } from "node:fs";
import { setPriority } from "node:os";
import type { Platform } from "../../../lib/runtime/platform.ts";

const TASKS = "/proc/self/task";
/** About a tenth of the CPU time of a thread of usual priority, when both have work to do. */
const NICENESS = 10;

/** Threads of libuv's pool, on which bcrypt computes. Empty where the system does not list threads: only Linux does. */
export function poolThreads(): readonly number[] {
  if (process.platform !== "linux") return [];
  const isOfPool = (id: string) => readFileSync(`${TASKS}/${id}/comm`, "utf8").trim() === "libuv-worker";
  return readdirSync(TASKS).filter(isOfPool).map(Number);
}

/**
 * Passwords are hashed on all cores at once. With a lower priority these threads leave the cores to event loops and to
 * PostgreSQL whenever those have work: in a storm of sign-ins the slowest percent of other requests takes about half the
 * time, and as many people sign in. While other requests use all cores too, a tenth fewer sign in than with niceness 5, and
 * a quarter more of the others are served (measured). Where a container may not set priorities, everything works as before.
 */
export function lowerHashPriority({ log }: Pick<Platform, "log">): void {
  try {
    for (const thread of poolThreads()) setPriority(thread, NICENESS);
  } catch (error) {
    log.debug({ error: (error as Error).message }, "could not lower the priority of password hashing");
  }
}
