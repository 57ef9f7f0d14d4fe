export type PasswordPolicy = "classic" | "length" | "nist";

export interface PasswordRules {
  /** `classic`: 8 characters, upper, lower, digit. `length`: 8 characters. `nist`: 15, or 8 beside a second factor. */
  readonly policy: PasswordPolicy;
  /** The commonest passwords, in lower case. */
  readonly common: ReadonlySet<string>;
}

/** What is known of whose password it will be. */
export interface PasswordOwner {
  readonly email?: string | null | undefined;
  readonly username?: string | null | undefined;
  readonly fullName?: string | null | undefined;
  readonly secondFactor?: boolean | undefined;
}

export interface PolicyViolation {
  readonly code:
    | "password_too_short"
    | "password_too_long"
    | "password_too_weak"
    | "password_too_common"
    | "password_breached"
    | "password_contains_personal_data";
  /** Fit for the person who chose it. */
  readonly message: string;
}

/**
 * The first reason to refuse a new password, or null. Length is counted in code points. The password itself is only
 * looked at: case and Unicode forms are folded for the comparison with lists and words, never for hashing
 * (ASVS 5.0 V6.2.8).
 */
export function findPolicyViolation(
  rules: PasswordRules,
  password: string,
  owner: PasswordOwner,
): PolicyViolation | null {
  return (
    checkLength(rules.policy, password, owner) ??
    checkComposition(rules.policy, password) ??
    checkCommon(rules.common, password) ??
    checkPersonal(password, owner)
  );
}

const longest = 128;
const shortestWord = 4;
const productWords = ["usermesh"];

function checkLength(policy: PasswordPolicy, password: string, owner: PasswordOwner): PolicyViolation | null {
  const length = [...password].length;
  const shortest = policy === "nist" && !owner.secondFactor ? 15 : 8;
  if (length < shortest) return refusal("password_too_short", `Use at least ${shortest} characters.`);
  if (length > longest) return refusal("password_too_long", `Use at most ${longest} characters.`);
  return null;
}

function checkComposition(policy: PasswordPolicy, password: string): PolicyViolation | null {
  if (policy !== "classic") return null;
  if (/\p{Lu}/u.test(password) && /\p{Ll}/u.test(password) && /\p{Nd}/u.test(password)) return null;
  return refusal("password_too_weak", "Use at least one upper-case letter, one lower-case letter and one digit.");
}

/** Folded, since `Password1` is what a composition rule makes of `password1`: guessed as early (ASVS 5.0 V6.2.4). */
function checkCommon(common: ReadonlySet<string>, password: string): PolicyViolation | null {
  const folded = fold(password);
  if (!common.has(folded) && !consistsOf(folded, productWords)) return null;
  return refusal("password_too_common", "This password is too common. Choose a different one.");
}

function checkPersonal(password: string, owner: PasswordOwner): PolicyViolation | null {
  if (!consistsOf(fold(password), ownWords(owner))) return null;
  return refusal(
    "password_contains_personal_data",
    "This password is mostly your name, username or email address. Choose a different one.",
  );
}

/** Each whole and in its parts, so that `john.smith` yields `john` and `smith` too. */
function ownWords({ email, username, fullName }: PasswordOwner): string[] {
  const sources = [email?.slice(0, email.lastIndexOf("@")), username, fullName].map((text) => fold(text ?? ""));
  const parts = sources.flatMap((text) => text.split(/[^\p{L}\p{M}\p{N}]+/u));
  return [...sources, ...parts].filter((word) => [...word].length >= shortestWord);
}

/**
 * Do the words make up half of the text or more? `John1234` of a John is refused; `John1234Doe` and `SecurePass123`
 * of a `secure@…` are not: what is left is enough to guess at.
 */
function consistsOf(text: string, words: readonly string[]): boolean {
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

function refusal(code: PolicyViolation["code"], message: string): PolicyViolation {
  return { code, message };
}
