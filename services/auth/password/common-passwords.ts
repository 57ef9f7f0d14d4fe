import { dictionary } from "@zxcvbn-ts/language-common";

/** The 10,000 commonest passwords, lower-case (OWASP ASVS 5.0, 6.2.4 asks for 3,000). */
export function loadCommonPasswords(): ReadonlySet<string> {
  const ranked = dictionary["passwords-common"] ?? [];
  if (ranked.length < 10_000) throw new Error("The list of common passwords is incomplete");
  return new Set(ranked.slice(0, 10_000).map((word) => String(word).toLowerCase()));
}
