import type { KeyRing } from "../../../lib/crypto/key-ring.ts";
import type { Random } from "../../../lib/runtime/clock.ts";

/** Standard Webhooks asks for 24 to 64 bytes. */
const SECRET_BYTES = 32;
const PREFIX = "whsec_";

export function newSecret(random: Random): string {
  return `${PREFIX}${random.bytes(SECRET_BYTES).toString("base64")}`;
}

/** The same for both columns, because a rotation moves the sealed value from `secret` to `previous_secret`. */
const bindingOf = (endpointId: string) => ({ table: "webhooks.endpoints", column: "secret", rowId: endpointId });

export function sealSecret(ring: KeyRing, endpointId: string, secret: string): string {
  return ring.seal("webhook", secret, bindingOf(endpointId));
}

export function openSecret(ring: KeyRing, endpointId: string, sealed: string): string {
  return ring.open("webhook", sealed, bindingOf(endpointId)).toString();
}
