/** Texts that example files and tutorials have where a secret belongs, and the words of the most common passwords. */
const PLACEHOLDER =
  /change.?me|replace.?(?:me|this)|place.?holder|your[-_. ]|insert[-_. ]|example|xxxx|<[^>]*>|^usermesh-|p[a@]ss.?w[o0]rd|passwort|qwert[yz]|letmein|iloveyou|correct.?horse/i;
const WHOLE_WORDS =
  /^(?:secret|admin|administrator|root|test|demo|default|none|null|postgres|nats|redis|usermesh)[-_!.\d]*$/i;

export function isPlaceholder(secret: string): boolean {
  return PLACEHOLDER.test(secret) || WHOLE_WORDS.test(secret);
}

/** Characters that continue a pattern cost almost nothing to an attacker who tries patterns. */
const BITS_OF_A_REPETITION = 0.2;

/**
 * A rough upper bound on the entropy of a secret, in bits: each character counts by the number of different ones, except
 * those that repeat an earlier part or continue a sequence such as `abc` or `321`. Random secrets come close to their true
 * entropy, and what was typed by hand stays below it.
 */
export function entropyBits(secret: string): number {
  const bitsPerCharacter = Math.log2(Math.max(2, new Set(secret).size));
  let bits = 0;
  for (let at = 0; at < secret.length; at += 1)
    bits += isPredictable(secret, at) ? BITS_OF_A_REPETITION : bitsPerCharacter;
  return bits;
}

function isPredictable(secret: string, at: number): boolean {
  return repeatsEarlierPart(secret, at) || continuesSequence(secret, at);
}

const REPEATED_LENGTH = 3;

function repeatsEarlierPart(secret: string, at: number): boolean {
  if (secret[at] === secret[at - 1]) return true;
  const lower = secret.toLowerCase();
  const part = lower.slice(at - REPEATED_LENGTH + 1, at + 1);
  return at >= REPEATED_LENGTH && lower.slice(0, at).includes(part);
}

function continuesSequence(secret: string, at: number): boolean {
  const step = (index: number) => secret.charCodeAt(index) - secret.charCodeAt(index - 1);
  return at >= 2 && Math.abs(step(at)) === 1 && step(at) === step(at - 1);
}
