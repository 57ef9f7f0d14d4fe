import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "@jest/globals";
import type { ActionName, Actions, Call } from "../../../lib/actions/typed-call.ts";
import { systemClock, systemTimers } from "../../../lib/runtime/clock.ts";
import { exportFile } from "../../../scripts/export/export-file.ts";
import { type ImportResult, importFile } from "../../../scripts/import/import-file.ts";
import type { Refused } from "../../../scripts/import/line-format.ts";
import type { HashReader } from "../../../services/auth/transfer/export-hashes.ts";
import type { Usermesh } from "../start/usermesh.ts";

/** A line of a file: an object to serialize, or raw text. */
export type Written = Record<string, unknown> | string;

const scratch: string[] = [];
afterAll(() => Promise.all(scratch.map((dir) => rm(dir, { recursive: true, force: true }))));

async function scratchDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "usermesh-import-"));
  scratch.push(dir);
  return dir;
}

/** Writes a file; resolves to its path. */
export async function written(lines: readonly Written[]): Promise<string> {
  const file = join(await scratchDir(), "users.ndjson");
  const text = lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line)));
  await writeFile(file, `${text.join("\n")}\n`);
  return file;
}

export const newEmail = (): string => `u-${randomBytes(8).toString("hex")}@example.com`;

export function callOf(usermesh: Pick<Usermesh, "call">, name: string): Call {
  return (action, params) => usermesh.call(action, params, { kind: "service", name });
}

export interface Imported extends ImportResult {
  /** The refused lines. */
  readonly report: readonly Refused[];
}

/** Imports as `npm run import` does, into running services. */
export async function runImport(usermesh: Pick<Usermesh, "call">, file: string, call?: Call): Promise<Imported> {
  const report = `${file}.refused.ndjson`;
  const result = await importFile({
    file,
    report,
    call: call ?? callOf(usermesh, "import"),
    clock: systemClock,
    timers: systemTimers,
    signal: new AbortController().signal,
    onProgress: () => undefined,
  });
  return { ...result, report: await ndjson<Refused>(report) };
}

export async function runExport(
  usermesh: Pick<Usermesh, "call">,
  more: { readonly file?: string; readonly tenant?: string; readonly hashes?: HashReader } = {},
): Promise<string> {
  const file = join(await scratchDir(), "exported.ndjson");
  const parts = { signal: new AbortController().signal, onProgress: () => undefined };
  await exportFile({ file, call: callOf(usermesh, "export"), ...parts, ...more });
  return more.file ?? file;
}

export async function ndjson<T>(file: string): Promise<T[]> {
  const text = await readFile(file, "utf8");
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as T);
}

/** Stands for the death of the process; it is not retried. */
export class Killed extends Error {}

/** A call that works `calls` times. The last one is done and its result lost, or not begun. */
export function dyingCall(call: Call, calls: number, last: "done" | "not begun"): Call {
  let left = calls;
  return async <K extends ActionName>(name: K, params: Actions[K]["params"]): Promise<Actions[K]["result"]> => {
    left -= 1;
    if (left < 0 || (left === 0 && last === "not begun")) throw new Killed();
    const result = await call(name, params);
    if (left === 0) throw new Killed();
    return result;
  };
}
