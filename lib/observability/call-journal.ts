/** A step of a request on one node: the request itself, a call that it caused, an event or a job. */
export interface JournalEntry {
  readonly correlation_id: string;
  readonly kind: "request" | "action" | "event" | "job";
  /** `POST /api/v1/auth/login`, `users.create`, `user.created`, `verify_email`. Never contains ids or other values. */
  readonly name: string;
  /** The service that performs the step. */
  readonly service: string;
  /** The caller: a service, `user`, `operator` or a queue. */
  readonly from: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly duration_ms: number;
  /** The status of a request, `ok`, or the code of an error. */
  readonly outcome: string;
}

export interface CallJournal {
  add(entry: JournalEntry): void;
  find(correlationId: string): JournalEntry[];
  /** The latest requests, newest first. */
  requests(limit: number): JournalEntry[];
}

/** This covers some minutes of a busy node, and takes about 1 MB. */
const CAPACITY = 4_000;

/** The latest steps on this node, in a ring in memory: new steps overwrite the oldest. */
export function createCallJournal(capacity = CAPACITY): CallJournal {
  const ring: JournalEntry[] = [];
  let position = 0;
  const newestFirst = () => [...ring.slice(position), ...ring.slice(0, position)].reverse();
  return {
    add(entry) {
      ring[position] = entry;
      position = (position + 1) % capacity;
    },
    find: (correlationId) => ring.filter((entry) => entry.correlation_id === correlationId),
    requests: (limit) =>
      newestFirst()
        .filter(({ kind }) => kind === "request")
        .slice(0, limit),
  };
}

type Step = Omit<JournalEntry, "at" | "duration_ms" | "outcome">;

/** The entry of a step that has just ended. */
export function stepOf(step: Step, milliseconds: number, outcome: string): JournalEntry {
  return { ...step, at: Date.now() - milliseconds, duration_ms: Math.round(milliseconds * 10) / 10, outcome };
}

/** Runs a step and adds it, with the code of the error that it throws. */
export async function journaled<T>(journal: CallJournal, step: Step, work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const add = (outcome: string) => journal.add(stepOf(step, performance.now() - start, outcome));
  try {
    const result = await work();
    add("ok");
    return result;
  } catch (error) {
    add(codeOf(error));
    throw error;
  }
}

/** Only codes of our catalogue are kept, because the text of an unknown error could contain personal data. */
export function codeOf(error: unknown): string {
  const { type } = error as { readonly type?: unknown };
  return typeof type === "string" && /^[a-z_]{1,50}$/.test(type) ? type : "error";
}
