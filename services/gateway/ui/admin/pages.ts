import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { describeError, type ListMeta, type Reply } from "../app/api-client.ts";

export interface Pages<T> {
  /** Null until the first page has been read. The current page stays visible while another one is read. */
  readonly items: Signal<readonly T[] | null>;
  readonly meta: Signal<ListMeta | null>;
  readonly failure: Signal<string | null>;
  readonly isLoading: Signal<boolean>;
  /** The number of the page, from 1. */
  readonly number: number;
  next(): void;
  previous(): void;
  reload(): void;
}

type Read<T> = (cursor: string | undefined, signal: AbortSignal) => Promise<Reply<readonly T[]>>;

/**
 * A list that is read page by page with cursors. Another `key`, made of the filters, begins again with the first page; an
 * answer that comes after a later question is not shown.
 */
export function usePages<T>(key: string, read: Read<T>): Pages<T> {
  const items = useSignal<readonly T[] | null>(null);
  const meta = useSignal<ListMeta | null>(null);
  const failure = useSignal<string | null>(null);
  const isLoading = useSignal(true);
  const request = useRef<AbortController | null>(null);
  /** Cursors of the pages up to the current one. */
  const cursors = useRef<ReadonlyArray<string | undefined>>([undefined]);
  const load = async () => {
    request.current?.abort();
    const controller = new AbortController();
    request.current = controller;
    isLoading.value = true;
    try {
      const reply = await read(cursors.current.at(-1), controller.signal);
      if (controller.signal.aborted) return;
      items.value = reply.data;
      meta.value = reply.meta;
      failure.value = null;
    } catch (error) {
      if (controller.signal.aborted) return;
      failure.value = describeError(error);
    }
    isLoading.value = false;
  };
  const show = (shown: ReadonlyArray<string | undefined>) => {
    cursors.current = shown;
    load();
  };
  useEffect(() => {
    show([undefined]);
    return () => request.current?.abort();
  }, [key]);
  return {
    items,
    meta,
    failure,
    isLoading,
    number: cursors.current.length,
    next: () => meta.value?.next_cursor && show([...cursors.current, meta.value.next_cursor]),
    previous: () => cursors.current.length > 1 && show(cursors.current.slice(0, -1)),
    reload: load,
  };
}
