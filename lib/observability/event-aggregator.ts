import type { Timers } from "../runtime/clock.ts";

export interface EventAggregator<Event> {
  /** Emits the first event of a key at once, and one more at the end of its window if there were others. */
  add(key: string, event: Event): void;
  /** Emits what is pending. */
  flush(): void;
}

interface AggregatorOptions<Event> {
  readonly timers: Timers;
  readonly windowMs: number;
  /** Keys with events of their own per window; further keys share one. */
  readonly maxKeys: number;
  /** `repeated` events of this key followed the first one, which was emitted before; undefined for the first one. */
  readonly emit: (event: Event, repeated?: number) => void;
  /** Stands for the events of all keys above `maxKeys`. */
  readonly anonymous: (event: Event) => Event;
}

const OTHERS = "others";

/** Bounds what a flood of security events writes: per window, two entries per key and `maxKeys` keys. */
export function createEventAggregator<Event>(options: AggregatorOptions<Event>): EventAggregator<Event> {
  const { timers, windowMs, maxKeys, emit, anonymous } = options;
  let pending = new Map<string, { readonly event: Event; repeated: number }>();
  let cancel: (() => void) | undefined;
  const flush = (): void => {
    cancel?.();
    cancel = undefined;
    const ended = pending;
    pending = new Map();
    for (const { event, repeated } of ended.values()) if (repeated > 0) emit(event, repeated);
  };
  return {
    add(key, event) {
      cancel ??= timers.after(windowMs, flush);
      const isOwn = pending.has(key) || pending.size < maxKeys;
      const counted = pending.get(isOwn ? key : OTHERS);
      if (counted) {
        counted.repeated += 1;
        return;
      }
      const first = isOwn ? event : anonymous(event);
      pending.set(isOwn ? key : OTHERS, { event: first, repeated: 0 });
      emit(first);
    },
    flush,
  };
}
