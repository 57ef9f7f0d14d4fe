import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/** A new folder that others can enter. */
export async function scratchDir(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "usermesh-test-"));
  await chmod(path, 0o755);
  return path;
}

export const removeDir = (path: string): Promise<void> => rm(path, { recursive: true, force: true });

const silent = (): void => undefined;
export const silentLog = { debug: silent, info: silent, warn: silent, error: silent };

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

export async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`still not: ${condition}`);
    await delay(20);
  }
}
