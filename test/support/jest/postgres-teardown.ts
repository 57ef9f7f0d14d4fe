import { rm } from "node:fs/promises";

export default async function teardown(): Promise<void> {
  const running = globalThis.usermeshTestPostgres;
  if (!running) return;
  globalThis.usermeshTestPostgres = undefined;
  await running.stop();
  await rm(running.dir, { recursive: true, force: true });
}
