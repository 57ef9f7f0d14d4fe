export type PasswordHashProblem = "unknown_scheme" | "malformed" | "too_costly";

export class PasswordHashError extends Error {
  override readonly name = "PasswordHashError";
  readonly code: PasswordHashProblem;

  constructor(code: PasswordHashProblem) {
    super(`Password hash refused: ${code}`);
    this.code = code;
  }
}

export function assertWellFormed(condition: boolean): void {
  if (!condition) throw new PasswordHashError("malformed");
}

export function assertAffordable(condition: boolean): void {
  if (!condition) throw new PasswordHashError("too_costly");
}

/** The bytes of base64 with or without padding, but only of text that an encoder would return for them. */
export function decodeBase64(text: string): Buffer {
  const bytes = Buffer.from(text, "base64");
  assertWellFormed(bytes.toString("base64").replace(/=+$/, "") === text.replace(/=+$/, ""));
  return bytes;
}
