import { isBusError } from "../../lib/actions/bus-errors.ts";
import { AppError } from "../../lib/actions/errors.ts";
import type { Call } from "../../lib/actions/typed-call.ts";
import type { Clock, Timers } from "../../lib/runtime/clock.ts";
import { idTime, newId } from "../../lib/runtime/ids.ts";
import { retry } from "../../lib/runtime/retry.ts";
import { type Checkpoint, type CheckpointFile, fingerprint, openCheckpointFile } from "./checkpoint.ts";
import { type Entry, importBatch } from "./import-batch.ts";
import { invalid as invalidLine, parseLine, type Refused } from "./line-format.ts";
import { type Line, readLines } from "./lines.ts";
import { recordImport } from "./record-import.ts";
import { openReport, type Report } from "./report.ts";

export interface ImportOptions {
  readonly file: string;
  readonly report: string;
  readonly call: Call;
  readonly clock: Clock;
  readonly timers: Timers;
  /** When aborted, the running batch is finished and no other started. */
  readonly signal: AbortSignal;
  readonly onProgress: (imported: number) => void;
}

export interface ImportResult {
  readonly imported: number;
  readonly refused: number;
  /** False: interrupted; the next run resumes. */
  readonly finished: boolean;
}

interface Running extends ImportOptions {
  readonly checkpoints: CheckpointFile;
  readonly written: Report;
}

const MAX_BATCH_LINES = 500;
/** A message may have 1 MB. */
const MAX_BATCH_BYTES = 384 * 1024;

/** Imports a file of any size. After an interruption, even by `kill -9`, the next run resumes. */
export async function importFile(options: ImportOptions): Promise<ImportResult> {
  const checkpoints = openCheckpointFile(checkpointPath(options.file));
  const id = await fingerprint(options.file);
  const { installation } = await retryUntilSuccess(options, () => options.call("users.importable", { accounts: [] }));
  const start = (await checkpoints.read()) ?? newCheckpoint(id, installation, newId(options.clock));
  assertSameImport(options.file, start, { id, installation });
  const written = await openReport(options.report, start.report_bytes);
  try {
    const running = { ...options, checkpoints, written };
    return await finish(running, await importLines(running, start));
  } finally {
    await written.close();
  }
}

export const checkpointPath = (file: string): string => `${file}.progress`;

function newCheckpoint(file: string, installation: string, importId: string): Checkpoint {
  const place = { offset: 0, line: 0, report_bytes: 0, sent: [] };
  return { file, import_id: importId, installation, ...place, imported: 0, refused: 0, tenants: {} };
}

function assertSameImport(
  file: string,
  checkpoint: Checkpoint,
  { id, installation }: { readonly id: string; readonly installation: string },
): void {
  const restart = `delete ${checkpointPath(file)} to start over`;
  if (checkpoint.file !== id)
    throw new Error(`${file} is not the file whose import was interrupted. Restore that file, or ${restart}.`);
  if (checkpoint.installation !== installation)
    throw new Error(`${file} was partly imported into another installation. Resume it there, or ${restart} here.`);
}

/** An interrupted import keeps its checkpoint for the next run. */
async function finish(running: Running, last: Checkpoint): Promise<ImportResult> {
  const { imported, refused } = last;
  await running.checkpoints.write(last);
  if (running.signal.aborted) return { imported, refused, finished: false };
  await retryUntilSuccess(running, () => recordImport(running.call, running.clock, last));
  await running.checkpoints.remove();
  return { imported, refused, finished: true };
}

async function importLines(running: Running, from: Checkpoint): Promise<Checkpoint> {
  let checkpoint = from;
  for await (const lines of batchesOf(readLines(running.file, from), from.sent.length)) {
    checkpoint = await importLineBatch(running, checkpoint, lines);
    running.onProgress(checkpoint.imported);
    if (running.signal.aborted) break;
  }
  return checkpoint;
}

/** Full batches; the first has as many lines as were sent together before the interruption. */
async function* batchesOf(lines: AsyncIterable<Line>, first: number): AsyncGenerator<Line[]> {
  let batch: Line[] = [];
  let bytes = 0;
  let maxLines = first || MAX_BATCH_LINES;
  for await (const line of lines) {
    batch.push(line);
    bytes += line.text?.length ?? 0;
    if (batch.length < maxLines && (first > 0 || bytes < MAX_BATCH_BYTES)) continue;
    yield batch;
    [batch, bytes, maxLines, first] = [[], 0, MAX_BATCH_LINES, 0];
  }
  if (batch.length > 0) yield batch;
}

async function importLineBatch(running: Running, from: Checkpoint, lines: readonly Line[]): Promise<Checkpoint> {
  const sent = await idsFor(running, from, lines.length);
  await running.checkpoints.write({ ...from, sent });
  const { entries, invalid } = parse(lines, sent);
  const batch = newId(running.clock);
  const outcome = await retryUntilSuccess(running, () => importBatch(running.call, batch, entries));
  const refused = [...invalid, ...outcome.refused].sort((left, right) => left.line - right.line);
  return {
    ...from,
    offset: lines.at(-1)?.end ?? from.offset,
    line: from.line + lines.length,
    imported: from.imported + outcome.imported.length,
    refused: from.refused + refused.length,
    report_bytes: await running.written.append(refused),
    tenants: countByTenant(from.tenants, outcome.imported),
    sent: [],
  };
}

/** `users` creates no account with an id older than ten minutes; this leaves time for the call. */
const MAX_ID_AGE_MS = 8 * 60_000;

/**
 * An interrupted batch keeps its ids while they are valid, since its call may still be running. After that, each id has
 * an account or never will, and those without one are replaced.
 */
async function idsFor(
  { call, clock, ...rest }: Running,
  { sent }: Checkpoint,
  count: number,
): Promise<readonly string[]> {
  const [first] = sent;
  if (first === undefined) return Array.from({ length: count }, () => newId(clock));
  if (clock.now().getTime() - idTime(first).getTime() < MAX_ID_AGE_MS) return sent;
  const found = await retryUntilSuccess(rest, () => call("users.validate", { ids: [...sent] }));
  const existing = new Set(found.map(({ id }) => id));
  return sent.map((id) => (existing.has(id) ? id : newId(clock)));
}

function parse(lines: readonly Line[], ids: readonly string[]): { entries: Entry[]; invalid: Refused[] } {
  const entries: Entry[] = [];
  const invalid: Refused[] = [];
  const kept = new Set<string>();
  for (const [index, line] of lines.entries()) {
    const parsed = parseLine(line);
    if (parsed === "blank") continue;
    if ("refused" in parsed) invalid.push({ line: line.number, ...parsed.refused });
    else if (kept.has(parsed.value.id ?? "")) invalid.push({ line: line.number, ...idTwice.refused });
    else entries.push({ line: line.number, id: parsed.value.id ?? ids[index] ?? "", value: parsed.value });
    if ("value" in parsed && parsed.value.id !== undefined) kept.add(parsed.value.id);
  }
  return { entries, invalid };
}

const idTwice = invalidLine([{ field: "id", code: "id_taken", message: "is the id of an earlier line" }]);

function countByTenant(tenants: Checkpoint["tenants"], imported: readonly Entry[]): Checkpoint["tenants"] {
  const next = { ...tenants };
  for (const { value } of imported) next[value.tenant] = (next[value.tenant] ?? 0) + 1;
  return next;
}

/** Repeats `work` while a node restarts or a service is overloaded, for up to five minutes. */
function retryUntilSuccess<T>({ timers, signal }: Pick<ImportOptions, "timers" | "signal">, work: () => Promise<T>) {
  return retry(work, { timers, signal, delayMs: 100, maxDelayMs: 2_000, timeoutMs: 5 * 60_000, isTransient });
}

function isTransient(error: unknown): boolean {
  return isBusError(error) || (error instanceof AppError && (error.status >= 500 || error.status === 429));
}
