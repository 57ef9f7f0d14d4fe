import type { Clock, Timers } from "../runtime/clock.ts";
import { createLease, type Lease } from "./lease.ts";
import { createNodeRotation } from "./node-rotation.ts";
import { createRevocations, type RevocableClaims, type Revocation } from "./revocations.ts";

/** Where leases come from: some node answers a question. */
export interface LeaseSource {
  nodes(): readonly string[];
  /** Rejects where no answer comes within a second. */
  renew(nodeId: string, since: number): Promise<LeasePage>;
}

export interface LeasePage {
  readonly changes: readonly Revocation[];
  readonly seq: number;
  readonly granted: boolean;
  readonly full: boolean;
}

export interface LeaseKeeper {
  start(source: LeaseSource): void;
  /** Resolves when no question is under way any more. */
  stop(): Promise<void>;
  /** Null: good at this moment. */
  check(claims: RevocableClaims): null | "session_ended" | "token_stale" | "no_lease";
  /** What was told between two questions. It does not move what is asked for. */
  apply(changes: readonly Revocation[]): void;
  /** True from the first lease on. */
  ready(): boolean;
  /** At this moment, nothing has been revoked or announced that is not known here. */
  held(): boolean;
  age: Lease["age"];
}

export interface KeeperOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  /** How long the lease still counts as held after its end: REVOCATION_MAX_STALENESS_SECONDS. */
  readonly afterwardsMs: number;
  /** How long a token from before an entry may live. */
  readonly keepMs: number;
  readonly onQuestionFailed: (nodeId: string, error: Error) => void;
  readonly onHeldChanged: (held: boolean) => void;
  /** Keys of caches that are written; `null` where the feed no longer says all that was. */
  readonly onInvalidated?: ((keys: readonly string[] | null) => void) | undefined;
}

const ASK_EVERY_MS = 1_000;
/** Until the first lease: a node that starts waits for nothing else. */
const FIRST_ASK_EVERY_MS = 200;

/** Asks once a second, whatever became of the last question, another node each time. */
export function createLeaseKeeper(options: KeeperOptions): LeaseKeeper {
  const { clock, timers, keepMs } = options;
  const lease = createLease(clock, options.afterwardsMs);
  const revocations = createRevocations();
  const turns = createNodeRotation(clock);
  const questions = new Set<Promise<void>>();
  let cancel = (): void => undefined;
  let since = 0;
  let held = false;
  let ready = false;

  const learn = (changes: readonly Revocation[]): void => {
    revocations.learn(changes, clock.monotonic());
    const keys = changes.filter((change) => change.kind === "cache").map((change) => change.key);
    if (keys.length > 0) options.onInvalidated?.(keys);
  };

  const ask = async (source: LeaseSource): Promise<void> => {
    const node = turns.next(source.nodes());
    if (node === undefined) return;
    try {
      await readToEnd((from) => source.renew(node, from));
      turns.succeeded(node);
    } catch (error) {
      turns.failed(node);
      options.onQuestionFailed(node, error as Error);
    }
  };

  /** Only a complete answer moves `since` and grants. */
  const readToEnd = async (page: (from: number) => Promise<LeasePage>): Promise<void> => {
    const startedAt = clock.monotonic();
    const everything: Revocation[] = [];
    let full = false;
    for (let from = since; ; ) {
      const asked = lease.moment();
      const answer = await page(from);
      full ||= answer.full;
      if (full) everything.push(...answer.changes);
      else learn(answer.changes);
      from = answer.seq;
      if (!answer.granted) continue;
      if (full) {
        revocations.forgetLearntBefore(startedAt);
        options.onInvalidated?.(null);
      }
      learn(everything);
      since = full ? answer.seq : Math.max(since, answer.seq);
      return lease.grant(asked);
    }
  };

  const noteHeld = (now = lease.held()): void => {
    if (now !== held) options.onHeldChanged(now);
    held = now;
    ready ||= now;
  };

  const turn = (source: LeaseSource): void => {
    const question = ask(source).finally(() => {
      questions.delete(question);
      noteHeld();
    });
    questions.add(question);
    revocations.forgetLearntBefore(clock.monotonic() - keepMs);
    cancel = timers.after(ready ? ASK_EVERY_MS : FIRST_ASK_EVERY_MS, () => turn(source));
  };

  return {
    start: turn,
    async stop() {
      cancel();
      lease.drop();
      await Promise.allSettled(questions);
    },
    check: (claims) => revocations.verdict(claims) ?? (lease.held() ? null : "no_lease"),
    apply: learn,
    ready: () => ready,
    held: lease.held,
    age: lease.age,
  };
}
