import type { Timers } from "../../lib/runtime/clock.ts";
import type { Print } from "./terminal.ts";

interface SupervisorOptions {
  readonly timers: Timers;
  readonly print: Print;
  /** Resolves when the process is ready. */
  start(name: string): Promise<unknown>;
  /** Called after each restart. */
  onRestarted(): unknown;
}

export interface Supervisor {
  /** To be called when a process has ended by itself. */
  onExit(name: string, how: string): void;
  /** Number of restarts by process name; 0 for a process that never ended. */
  restarts(name: string): number;
  /** Starts nothing more, and resolves when a start that is under way has ended. */
  stop(): Promise<void>;
}

const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 30_000;
/** A process that has run for this long was healthy: earlier restarts do not delay its next one. */
const HEALTHY_MS = 60_000;

/** Restarts processes that end by themselves, at once at first and then after 1, 2, 4 … 30 s. */
export function createSupervisor({ timers, print, start, onRestarted }: SupervisorOptions): Supervisor {
  const counts = new Map<string, number>();
  const delays = new Map<string, number>();
  const running = new Set<Promise<void>>();
  const stopping = new AbortController();
  const calmDown = (name: string) => timers.after(HEALTHY_MS, () => delays.delete(name));
  const cancels = new Map<string, () => void>();
  const restart = async (name: string): Promise<void> => {
    for (;;) {
      const delay = delays.get(name) ?? FIRST_DELAY_MS;
      delays.set(name, Math.min(delay * 2, MAX_DELAY_MS));
      print(`Starting ${name} again in ${delay / 1_000} s.`);
      await timers.sleep(delay, stopping.signal);
      if (stopping.signal.aborted) return;
      counts.set(name, (counts.get(name) ?? 0) + 1);
      const failure = await start(name).then(
        () => undefined,
        (error: Error) => error,
      );
      if (failure === undefined) break;
      print(failure.message);
      if (stopping.signal.aborted) return;
    }
    cancels.set(name, calmDown(name));
    onRestarted();
  };
  return {
    onExit(name, how) {
      print(`${name} ${how}.`);
      cancels.get(name)?.();
      if (stopping.signal.aborted) return;
      const work = restart(name).catch(() => undefined);
      running.add(work);
      void work.then(() => running.delete(work));
    },
    restarts: (name) => counts.get(name) ?? 0,
    async stop() {
      stopping.abort();
      for (const cancel of cancels.values()) cancel();
      await Promise.all(running);
    },
  };
}
