import { isBusError } from "../../lib/actions/bus-errors.ts";
import { AppError } from "../../lib/actions/errors.ts";
import type { Call } from "../../lib/actions/typed-call.ts";
import type { Clock, Timers } from "../../lib/runtime/clock.ts";
import { idTime, newId } from "../../lib/runtime/ids.ts";
import { retry } from "../../lib/runtime/retry.ts";
import { type Checkpoint, type CheckpointFile, fingerprint, openCheckpointFile } from "./checkpoint.ts";
import { type Entry, importBatch } from "./import-batch.ts";
import { parseLine, type Refused } from "./line-format.ts";
import { type Line, readLines } from "./lines.ts";
import { createProgressBar, type ProgressBar } from "./progress.ts";
import { recordImport } from "./record-import.ts";
import { openReport, type Report } from "./report.ts";

export interface ImportOptions {
  readonly file: string;
  readonly report: string;
  readonly call: Call;
  readonly clock: Clock;
  readonly timers: Timers;
  /** Aborted: the batch that runs is finished, and no more begun. */
  readonly signal: AbortSignal;
  readonly out: Parameters<typeof createProgressBar>[0];
}

export interface ImportResult {
  readonly imported: number;
  readonly refused: number;
  /** False: run it again, and it goes on. */
  readonly finished: boolean;
}

interface Running extends ImportOptions {
  readonly journal: CheckpointFile;
  readonly written: Report;
  readonly bar: ProgressBar;
}

const MAX_BATCH_LINES = 500;
/** With what the bus adds to it far below its 1 MB. */
const MAX_BATCH_BYTES = 384 * 1024;

/** Brings in a file of any size. After an interruption, however rough, it goes on where it was. */
export async function importFile(options: ImportOptions): Promise<ImportResult> {
  const journal = openCheckpointFile(checkpointPath(options.file));
  const { id, bytes } = await fingerprint(options.file);
  const { installation } = await retryUntilSuccess(options, () => options.call("users.importable", { accounts: [] }));
  const progress = (await journal.read()) ?? newCheckpoint(id, installation, newId(options.clock));
  if (progress.file !== id) throw new Error(otherFile(options.file));
  if (progress.installation !== installation) throw new Error(otherInstallation(options.file));
  const written = await openReport(options.report, progress.report_bytes);
  const bar = createProgressBar(options.out, { total: bytes, from: { ...progress, bytes: progress.offset } });
  try {
    const last = await importLines({ ...options, journal, written, bar }, progress);
    return await finish({ ...options, journal }, last);
  } finally {
    bar.end();
    await written.close();
  }
}

export const checkpointPath = (file: string): string => `${file}.progress`;

function newCheckpoint(file: string, installation: string, importId: string): Checkpoint {
  const place = { offset: 0, line: 0, report_bytes: 0, sent: [] };
  return { file, import_id: importId, installation, ...place, imported: 0, refused: 0, tenants: {} };
}

function otherFile(file: string): string {
  return `${file} is not the file whose import was interrupted. Put that one back to go on with it, or delete ${checkpointPath(file)} to begin anew with this one.`;
}

function otherInstallation(file: string): string {
  return `The import of ${file} was interrupted in another installation than this one. Go on there, or delete ${checkpointPath(file)} to import all of it here.`;
}

/** Stopped on the way it keeps its journal for the next run. */
async function finish(
  options: ImportOptions & { readonly journal: CheckpointFile },
  last: Checkpoint,
): Promise<ImportResult> {
  const { imported, refused } = last;
  await options.journal.write(last);
  if (options.signal.aborted) return { imported, refused, finished: false };
  await retryUntilSuccess(options, () => recordImport(options.call, options.clock, last));
  await options.journal.remove();
  return { imported, refused, finished: true };
}

async function importLines(running: Running, from: Checkpoint): Promise<Checkpoint> {
  let progress = from;
  for await (const lines of batchesOf(readLines(running.file, from), from.sent.length)) {
    progress = await importLineBatch(running, progress, lines);
    running.bar.show({ ...progress, bytes: progress.offset });
    if (running.signal.aborted) break;
  }
  return progress;
}

/** Full ones, but the first has as many lines as were sent together before. */
async function* batchesOf(lines: AsyncIterable<Line>, first: number): AsyncGenerator<Line[]> {
  let batch: Line[] = [];
  let bytes = 0;
  let most = first || MAX_BATCH_LINES;
  for await (const line of lines) {
    batch.push(line);
    bytes += line.text?.length ?? 0;
    if (batch.length < most && (first > 0 || bytes < MAX_BATCH_BYTES)) continue;
    yield batch;
    [batch, bytes, most, first] = [[], 0, MAX_BATCH_LINES, 0];
  }
  if (batch.length > 0) yield batch;
}

async function importLineBatch(running: Running, from: Checkpoint, lines: readonly Line[]): Promise<Checkpoint> {
  const sent = await idsFor(running, from, lines.length);
  await running.journal.write({ ...from, sent });
  const { entries, unfit } = parse(lines, sent);
  const outcome = await retryUntilSuccess(running, () => importBatch(running.call, entries));
  const refused = [...unfit, ...outcome.refused].sort((left, right) => left.line - right.line);
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

/** Below the ten minutes after which users takes no new account under an id, with room for the call. */
const MAX_ID_AGE_MS = 8 * 60_000;

/** An interrupted batch keeps its ids as long as they are good: it may still be on its way. Later it is there, or never will be. */
async function idsFor(
  { call, clock, ...rest }: Running,
  { sent }: Checkpoint,
  count: number,
): Promise<readonly string[]> {
  const [first] = sent;
  if (first === undefined) return Array.from({ length: count }, () => newId(clock));
  if (clock.now().getTime() - idTime(first).getTime() < MAX_ID_AGE_MS) return sent;
  const found = await retryUntilSuccess(rest, () => call("users.validate", { ids: [...sent] }));
  const there = new Set(found.map(({ id }) => id));
  return sent.map((id) => (there.has(id) ? id : newId(clock)));
}

function parse(lines: readonly Line[], ids: readonly string[]): { entries: Entry[]; unfit: Refused[] } {
  const entries: Entry[] = [];
  const unfit: Refused[] = [];
  for (const [index, line] of lines.entries()) {
    const parsed = parseLine(line);
    if (parsed === "blank") continue;
    if ("refused" in parsed) unfit.push({ line: line.number, ...parsed.refused });
    else entries.push({ line: line.number, id: ids[index] ?? "", value: parsed.value });
  }
  return { entries, unfit };
}

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
