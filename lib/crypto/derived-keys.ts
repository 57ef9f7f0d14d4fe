import { createSecretKey, type KeyObject } from "node:crypto";
import { type Random, systemRandom } from "../runtime/clock.ts";
import { decodeCanonical, encode } from "./base64url.ts";
import {
  createKeyRing,
  deriveKey,
  type KeyRing,
  type KeyUse,
  type Purpose,
  purposes,
  readSecrets,
  UnknownKeyError,
} from "./key-ring.ts";

const uses: readonly KeyUse[] = ["mac", "seal"];
const KEY_BYTES = 32;

/**
 * The keys of some purposes, for a process that must not have the others: `k1/csrf/mac=<key>,…`, the active key first.
 * Neither SECRET_KEY nor the key of another purpose follows from them (RFC 5869).
 */
export function deriveKeys(secretKey: string, wanted: readonly Purpose[]): string {
  return [...readSecrets(secretKey.trim())]
    .flatMap(([kid, secret]) =>
      wanted.flatMap((purpose) =>
        uses.map((use) => `${kid}/${purpose}/${use}=${encode(deriveKey(secret, purpose, use))}`),
      ),
    )
    .join(",");
}

/** Throws unless `text` has the form of `deriveKeys`, with every key for each of `needed`. */
export function parseDerivedKeys(text: string, needed: readonly Purpose[], random: Random = systemRandom): KeyRing {
  const keys = new Map(text.split(",").map(readKey));
  const kids = [...new Set([...keys.keys()].map((name) => name.split("/")[0] ?? ""))];
  const missing = kids.flatMap((kid) =>
    needed.flatMap((purpose) => uses.map((use) => `${kid}/${purpose}/${use}`).filter((name) => !keys.has(name))),
  );
  if (missing.length > 0) throw new Error(`DERIVED_KEYS lacks ${missing.join(", ")}.`);
  return createKeyRing(kids, (kid, purpose, use) => findKey(keys, kids, `${kid}/${purpose}/${use}`), random);
}

function readKey(entry: string): [name: string, key: KeyObject] {
  const [, name, purpose, encoded = ""] =
    /^([a-z0-9]{1,16}\/([a-z]+)\/(?:mac|seal))=([\w-]+)$/.exec(entry.trim()) ?? [];
  const key = decodeCanonical(encoded);
  if (name && key?.byteLength === KEY_BYTES && purposes.some((one) => one === purpose))
    return [name, createSecretKey(key)];
  throw new Error("DERIVED_KEYS has an entry that is not <key id>/<purpose>/<mac or seal>=<key of 32 bytes>.");
}

function findKey(keys: ReadonlyMap<string, KeyObject>, kids: readonly string[], name: string): KeyObject {
  const key = keys.get(name);
  if (key) return key;
  const [kid = ""] = name.split("/");
  if (!kids.includes(kid)) throw new UnknownKeyError(kid);
  throw new Error(`This process has no key ${name}`);
}
