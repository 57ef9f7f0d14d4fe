import { timingSafeEqual } from "node:crypto";
import { encode } from "../../../lib/crypto/base64url.ts";
import type { KeyRing } from "../../../lib/crypto/key-ring.ts";
import type { Random } from "../../../lib/runtime/clock.ts";

const dataOf = (userId: string) => JSON.stringify(["registration", userId]);

/**
 * Value of the cookie that lets the browser which registered an account verify its address without the password. For a
 * registration that must not tell whether the address was taken, a random value of the same form.
 */
export function registrationBinding(ring: KeyRing, random: Random, userId: string | null): string {
  return encode(userId === null ? random.bytes(32) : ring.mac("otp", dataOf(userId)));
}

export function isRegisteredBy(ring: KeyRing, userId: string, binding = ""): boolean {
  const sent = Buffer.from(binding);
  return ring.macAll("otp", dataOf(userId)).some(({ mac }) => {
    const expected = Buffer.from(mac);
    return expected.length === sent.length && timingSafeEqual(expected, sent);
  });
}
