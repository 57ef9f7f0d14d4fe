import { stripVTControlCharacters } from "node:util";

interface TestFileResult {
  readonly testResults: ReadonlyArray<{
    readonly status: string;
    readonly fullName: string;
    readonly invocations?: number | undefined;
    readonly retryReasons?: readonly string[] | undefined;
  }>;
}

const MAX_RETRIED = 2;
const REASON_LINES = 12;
/** Long enough for the coverage report, which is written after the reporters were told. */
const EXIT_TIMEOUT_MS = 180_000;

/**
 * A jest reporter. Fails a run in which more than two tests passed only when repeated (`TEST_RETRIES`), and one whose process
 * does not end by itself because something that the tests started was not stopped.
 */
export default class RunReporter {
  readonly #watching: boolean;
  readonly #retried: string[] = [];
  #error: Error | undefined;

  constructor({ watch, watchAll }: { readonly watch: boolean; readonly watchAll: boolean }) {
    this.#watching = watch || watchAll;
  }

  onTestResult(_: unknown, { testResults }: TestFileResult): void {
    for (const { status, invocations = 1, fullName, retryReasons = [] } of testResults)
      if (status === "passed" && invocations > 1)
        this.#retried.push([fullName, ...retryReasons.map(beginning)].join("\n"));
  }

  onRunComplete(): void {
    if (!this.#watching) setTimeout(failHangingRun, EXIT_TIMEOUT_MS).unref();
    const { length } = this.#retried;
    if (length === 0) return;
    console.error(`Passed only when repeated: ${length} (at most ${MAX_RETRIED})\n  ${this.#retried.join("\n  ")}`);
    if (length > MAX_RETRIED) this.#error = new Error("Too many tests passed only when repeated");
  }

  getLastError(): Error | undefined {
    return this.#error;
  }
}

/** Of a failure: the lines that name what was expected, not its stack. */
function beginning(failure: string): string {
  return stripVTControlCharacters(failure).split("\n").slice(0, REASON_LINES).join("\n");
}

/** Runs only if something else keeps the process alive. */
function failHangingRun(): void {
  console.error(`The tests have finished, but this is still open: ${process.getActiveResourcesInfo().join(", ")}`);
  process.exit(1);
}
