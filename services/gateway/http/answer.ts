/** What is to be sent: the pipeline adds the headers that every answer has. */
export interface Answer {
  readonly status: number;
  /** Content-Type. */
  readonly type: string;
  readonly body: string | Uint8Array;
  /** Sent instead of `body`, one after the other and no faster than the client takes them. */
  readonly parts?: AsyncIterable<string>;
  /** Names and values in turn, as `writeHead` takes them. */
  readonly headers?: readonly string[];
  /** Replaces the strict policy that fits answers without scripts. */
  readonly policy?: string;
  /** Replaces `no-store`. */
  readonly cache?: string;
}

export const JSON_TYPE = "application/json; charset=utf-8";

export function json(status: number, value: unknown, more: Partial<Answer> = {}): Answer {
  return { status, type: JSON_TYPE, body: JSON.stringify(value), ...more };
}
