/** What is void from now on: an ended session, or all tokens of a user or tenant below a version. */
export interface Revocation {
  readonly kind: string;
  readonly key: string;
  readonly value: number | null;
}

/** Claims of an access token that can become void before it expires. */
export interface RevocableClaims {
  readonly sid: string;
  readonly sub: string;
  readonly tid: string;
  readonly ver: number;
  readonly tver: number;
}

export interface Revocations {
  /** `at`: monotonic milliseconds. */
  learn(changes: readonly Revocation[], at: number): void;
  forgetLearntBefore(at: number): void;
  verdict(claims: RevocableClaims): null | "session_ended" | "token_stale";
}

/** The whole feed in memory: three look-ups answer for a token, and nothing leaves the process. */
export function createRevocations(): Revocations {
  const ended = new Map<string, Entry>();
  const users = new Map<string, Entry>();
  const tenants = new Map<string, Entry>();
  const maps: Readonly<Record<string, Map<string, Entry>>> = { session: ended, user: users, tenant: tenants };
  return {
    learn(changes, at) {
      for (const { kind, key, value } of changes) {
        const map = maps[kind];
        if (map) remember(map, key, { least: value ?? 0, at });
      }
    },
    forgetLearntBefore(at) {
      for (const map of Object.values(maps)) forget(map, at);
    },
    verdict({ sid, sub, tid, ver, tver }) {
      if (ended.has(sid)) return "session_ended";
      if (ver < (users.get(sub)?.least ?? 0) || tver < (tenants.get(tid)?.least ?? 0)) return "token_stale";
      return null;
    },
  };
}

interface Entry {
  readonly least: number;
  readonly at: number;
}

/** Set anew, so that the map stays in the order of `at` and forgetting reads only what it forgets. */
function remember(map: Map<string, Entry>, key: string, entry: Entry): void {
  const known = map.get(key)?.least ?? 0;
  map.delete(key);
  map.set(key, { least: Math.max(known, entry.least), at: entry.at });
}

function forget(map: Map<string, Entry>, before: number): void {
  for (const [key, { at }] of map) {
    if (at >= before) return;
    map.delete(key);
  }
}
