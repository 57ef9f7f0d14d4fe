import { isUuid } from "../runtime/ids.ts";
import { decodeCanonical, encode } from "./base64url.ts";
import type { KeyRing } from "./key-ring.ts";

/** Proof that a device has signed in to an account before. It opens nothing: it only names the device to the login throttle. */
export interface DeviceTokenParts {
  /** A UUID. */
  readonly userId: string;
  /** 22 characters of base64url. */
  readonly deviceId: string;
  /** The account's password credential, or null: a password reset creates another one, which ends the tokens. */
  readonly credentialId: string | null;
}

/** Several tokens in one value, because several people may use a browser, whose cookie holds them all. */
const SEPARATOR = "~";
const MAX_TOKENS = 5;

/** `v1.<kid>.<user>.<device>.<mac>` */
export function formatDeviceToken(ring: KeyRing, parts: DeviceTokenParts): string {
  const { userId, deviceId } = parts;
  const mac = ring.mac("device", signedText(ring.active, parts));
  return `v1.${ring.active}.${userId}.${deviceId}.${encode(mac)}`;
}

/** The id of the device that proves to have signed in to the account, or null. */
export function findDevice(
  ring: KeyRing,
  tokens: string,
  { userId, credentialId }: Omit<DeviceTokenParts, "deviceId">,
): string | null {
  for (const token of tokens.split(SEPARATOR, MAX_TOKENS)) {
    const parsed = parseDeviceToken(token);
    if (parsed?.userId !== userId || !ring.kids.includes(parsed.kid)) continue;
    const { kid, deviceId, mac } = parsed;
    if (ring.macMatches("device", signedText(kid, { userId, deviceId, credentialId }), kid, mac)) return deviceId;
  }
  return null;
}

/** Puts a token first in a value of several, in place of the one that the same account had. */
export function addDeviceToken(tokens: string, token: string): string {
  const owner = parseDeviceToken(token)?.userId;
  const others = tokens.split(SEPARATOR).filter((one) => {
    const parsed = parseDeviceToken(one);
    return parsed !== null && parsed.userId !== owner;
  });
  return [token, ...others].slice(0, MAX_TOKENS).join(SEPARATOR);
}

const tokenForm = /^v1\.([a-z0-9]{1,16})\.([0-9a-f-]{36})\.([\w-]{22})\.([\w-]{43})$/;

/** Null for any other text. Does not check the MAC. */
function parseDeviceToken(text: string) {
  const [, kid, userId, deviceId, macText] = tokenForm.exec(text) ?? [];
  const mac = macText && decodeCanonical(macText);
  return kid && userId && isUuid(userId) && deviceId && mac ? { kid, userId, deviceId, mac } : null;
}

function signedText(kid: string, { userId, deviceId, credentialId }: DeviceTokenParts): string {
  return JSON.stringify(["v1", kid, userId, deviceId, credentialId]);
}
