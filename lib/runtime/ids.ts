import { v5, v7 } from "uuid";
import { type Clock, type Random, systemRandom } from "./clock.ts";

/**
 * A UUIDv7 (RFC 9562 section 5.7), lower-case. The ids that one process makes from one clock are strictly increasing,
 * also within a millisecond and when the clock goes back: the time of an id may then lie ahead of the clock.
 */
export function newId(clock: Clock, random: Random = systemRandom): string {
  const bytes = random.bytes(16);
  const state = advance(clock, bytes);
  return v7({ random: bytes, msecs: state.milliseconds, seq: state.sequence });
}

/** The same id for the same name within the same namespace, itself an id (RFC 9562 section 5.5). */
export function derivedId(name: string, namespace: string): string {
  return v5(name, namespace);
}

/** When a UUIDv7 was made, to the millisecond. Throws TypeError for anything else. */
export function idTime(id: string): Date {
  if (!isUuid(id) || id[14] !== "7") throw new TypeError("Not a UUIDv7");
  return new Date(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16));
}

/** A UUID of any version in its canonical form, that is in lower case. */
export function isUuid(text: unknown): text is string {
  return typeof text === "string" && canonicalUuid.test(text);
}

const canonicalUuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

interface Sequence {
  milliseconds: number;
  sequence: number;
}

/** One sequence per clock, so that a frozen clock doesn't inherit the time of another one. */
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

/** 31 of the 32 bits are random; the free one leaves 2^31 ids until a millisecond overflows. */
function firstOfMillisecond(bytes: Buffer): number {
  return bytes.readUInt32BE(6) >>> 1;
}
