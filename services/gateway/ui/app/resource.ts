import { type Signal, signal } from "@preact/signals";
import { describeError } from "./api-client.ts";

/** Something read from the API: what is known of it, and why no more is. */
export interface Resource<T> {
  readonly data: Signal<T | null>;
  /** Why the last attempt failed; null while it is loading, and after it has succeeded. */
  readonly failure: Signal<string | null>;
  /** Reads it again. What is shown meanwhile stays. */
  load(): Promise<void>;
}

export function createResource<T>(read: () => Promise<T>): Resource<T> {
  const data = signal<T | null>(null);
  const failure = signal<string | null>(null);
  let first: Promise<void> | null = null;
  const load = async (): Promise<void> => {
    failure.value = null;
    try {
      data.value = await read();
    } catch (error) {
      failure.value = describeError(error);
    }
  };
  return {
    data,
    failure,
    load() {
      // Later reads are not shared: one that began before a change would show what was before it.
      if (data.value !== null) return load();
      first ??= load().finally(() => {
        first = null;
      });
      return first;
    },
  };
}
