interface TestFileResult {
  readonly testResults: ReadonlyArray<{
    readonly status: string;
    readonly fullName: string;
    readonly invocations?: number | undefined;
  }>;
}

const MAX_RETRIED = 2;
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
    for (const { status, invocations = 1, fullName } of testResults)
      if (status === "passed" && invocations > 1) this.#retried.push(fullName);
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

/** Runs only if something else keeps the process alive. */
function failHangingRun(): void {
  console.error(`The tests have finished, but this is still open: ${process.getActiveResourcesInfo().join(", ")}`);
  process.exit(1);
}
