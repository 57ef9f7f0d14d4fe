import { v5, v7 } from "uuid";
import { type Clock, type Random, systemRandom } from "./clock.ts";

/**
 * A UUIDv7 (RFC 9562 section 5.7) in lower case. The ids that a process creates from one clock increase strictly, even
 * within a millisecond and when the clock goes back; an id's time may then be ahead of the clock.
 */
export function newId(clock: Clock, random: Random = systemRandom): string {
  const bytes = random.bytes(16);
  const state = advance(clock, bytes);
  return v7({ random: bytes, msecs: state.milliseconds, seq: state.sequence });
}

/** A UUIDv5: the same id for the same name and namespace, which is a UUID (RFC 9562 section 5.5). */
export function derivedId(name: string, namespace: string): string {
  return v5(name, namespace);
}

/** The creation time of a UUIDv7, to the millisecond. Throws TypeError for anything else. */
export function idTime(id: string): Date {
  if (!isUuid(id) || id[14] !== "7") throw new TypeError("Not a UUIDv7");
  return new Date(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16));
}

/** True for a UUID of any version in its canonical form (lower case). */
export function isUuid(text: unknown): text is string {
  return typeof text === "string" && canonicalUuid.test(text);
}

const canonicalUuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

interface Sequence {
  milliseconds: number;
  sequence: number;
}

/** One sequence per clock, so that a test's frozen clock does not inherit another one's time. */
const sequences = new WeakMap<Clock, Sequence>();

function advance(clock: Clock, bytes: Buffer): Sequence {
  const now = clock.now().getTime();
  const last = sequences.get(clock);
  const next =
    last && now <= last.milliseconds
      ? { milliseconds: last.milliseconds, sequence: last.sequence + 1 }
      : { milliseconds: now, sequence: firstOfMillisecond(bytes) };
  sequences.set(clock, next);
  return next;
}

/** 31 of the 32 bits are random; the free bit leaves room for 2^31 ids per millisecond. */
function firstOfMillisecond(bytes: Buffer): number {
  return bytes.readUInt32BE(6) >>> 1;
}
