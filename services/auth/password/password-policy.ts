import { dictionary } from "@zxcvbn-ts/language-common";

export type PasswordPolicy = "classic" | "length" | "nist";

export interface PasswordRules {
  /** `classic`: 8 characters with upper case, lower case and digit. `length`: 8 characters. `nist`: 15 characters. */
  readonly policy: PasswordPolicy;
  /** In lower case. */
  readonly commonPasswords: ReadonlySet<string>;
}

/** What an attacker could know about the owner, and try as the password. */
export interface PasswordOwner {
  readonly email?: string | null | undefined;
  readonly username?: string | null | undefined;
  readonly fullName?: string | null | undefined;
}

export interface PolicyViolation {
  readonly code:
    | "password_too_short"
    | "password_too_long"
    | "password_too_weak"
    | "password_too_common"
    | "password_breached"
    | "password_contains_personal_data";
  /** Shown to the user. */
  readonly message: string;
}

/** The 10,000 most common passwords in lower case; ASVS 5.0 V6.2.4 requires at least 3,000. */
export function loadCommonPasswords(): ReadonlySet<string> {
  const ranked = dictionary["passwords-common"] ?? [];
  if (ranked.length < 10_000) throw new Error("The list of common passwords is incomplete");
  return new Set(ranked.slice(0, 10_000).map((word) => String(word).toLowerCase()));
}

/**
 * The first reason not to allow a new password, or null. Length is counted in code points. Case and Unicode forms are
 * folded to compare the password with lists and names, but never before it is hashed (ASVS 5.0 V6.2.8).
 */
export function findPolicyViolation(
  rules: PasswordRules,
  password: string,
  owner: PasswordOwner,
): PolicyViolation | null {
  return (
    checkLength(rules.policy, password) ??
    checkComposition(rules.policy, password) ??
    checkCommon(rules.commonPasswords, password) ??
    checkPersonal(password, owner)
  );
}

const MAX_LENGTH = 128;
const MIN_WORD_LENGTH = 4;
const PRODUCT_WORDS = ["usermesh"];

function checkLength(policy: PasswordPolicy, password: string): PolicyViolation | null {
  const length = [...password].length;
  // NIST SP 800-63B-4 section 3.1.1.2, for a password that is the only factor.
  const minLength = policy === "nist" ? 15 : 8;
  if (length < minLength) return violation("password_too_short", `Use at least ${minLength} characters.`);
  if (length > MAX_LENGTH) return violation("password_too_long", `Use at most ${MAX_LENGTH} characters.`);
  return null;
}

function checkComposition(policy: PasswordPolicy, password: string): PolicyViolation | null {
  if (policy !== "classic") return null;
  if (/\p{Lu}/u.test(password) && /\p{Ll}/u.test(password) && /\p{Nd}/u.test(password)) return null;
  return violation("password_too_weak", "Use at least one upper-case letter, one lower-case letter and one digit.");
}

/** Case-insensitive: composition rules turn `password1` into `Password1`, which attackers try just as early. */
function checkCommon(commonPasswords: ReadonlySet<string>, password: string): PolicyViolation | null {
  const folded = fold(password);
  if (!commonPasswords.has(folded) && !consistsMostlyOf(folded, PRODUCT_WORDS)) return null;
  return violation("password_too_common", "This password is too common. Choose a different one.");
}

function checkPersonal(password: string, owner: PasswordOwner): PolicyViolation | null {
  if (!consistsMostlyOf(fold(password), personalWords(owner))) return null;
  return violation(
    "password_contains_personal_data",
    "This password is mostly your name, username or email address. Choose a different one.",
  );
}

/** Each name as a whole and in its parts: `john.smith` yields `john` and `smith` too. */
function personalWords({ email, username, fullName }: PasswordOwner): string[] {
  const sources = [email?.slice(0, email.lastIndexOf("@")), username, fullName].map((text) => fold(text ?? ""));
  const parts = sources.flatMap((text) => text.split(/[^\p{L}\p{M}\p{N}]+/u));
  return [...sources, ...parts].filter((word) => [...word].length >= MIN_WORD_LENGTH);
}

/**
 * Whether the words make up at least half of the text. `John1234` is refused for a user named John, but `John1234Doe` is
 * not, nor `SecurePass123` for `secure@example.com`: the rest is long enough to be hard to guess.
 */
function consistsMostlyOf(text: string, words: readonly string[]): boolean {
  const longestFirst = words.toSorted((left, right) => right.length - left.length);
  let covered = 0;
  for (let at = 0; at < text.length; ) {
    const word = longestFirst.find((candidate) => text.startsWith(candidate, at));
    covered += word?.length ?? 0;
    at += word?.length ?? 1;
  }
  return covered * 2 >= text.length;
}

function fold(text: string): string {
  return text.normalize("NFKC").toLowerCase();
}

function violation(code: PolicyViolation["code"], message: string): PolicyViolation {
  return { code, message };
}
