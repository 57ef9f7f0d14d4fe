import { parseBcrypt, parseOwn, parseWordPressBcrypt } from "./bcrypt-forms.ts";
import type { ForeignHash } from "./digests.ts";
import { parseArgon2, parsePhpass, parseSaltedDigest, parseScrypt } from "./other-forms.ts";
import { PasswordHashError } from "./password-hash-error.ts";
import { parseKeycloakJson, parsePbkdf2Forms } from "./pbkdf2-forms.ts";

/** Null for a text of another form. Throws PasswordHashError for one of this form that can't be used. */
type ParseForeign = (text: string) => ForeignHash | null;

const parsers: readonly ParseForeign[] = [
  parseOwn,
  parseBcrypt,
  parseWordPressBcrypt,
  parsePbkdf2Forms,
  parseKeycloakJson,
  parseScrypt,
  parseArgon2,
  parsePhpass,
  parseSaltedDigest,
];

/** Throws PasswordHashError for an unknown form, and for a hash that is malformed or would cost too much at each sign-in. */
export function parseForeignHash(text: string): ForeignHash {
  for (const parse of parsers) {
    const found = parse(text);
    if (found) return found;
  }
  throw new PasswordHashError("unknown_scheme");
}
