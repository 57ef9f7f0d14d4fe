import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { parseKeyRing } from "../../lib/crypto/key-ring.ts";
import {
  formatRefreshToken,
  parseRefreshToken,
  type RefreshTokenParts,
  refreshTokenMatches,
} from "../../lib/crypto/refresh-token.ts";

const ring = parseKeyRing(`k2:${"n".repeat(32)},k1:${"o".repeat(32)}`);
const parts: RefreshTokenParts = {
  kid: "k2",
  sessionId: "0199a3c4-7c5e-7000-8000-000000000001",
  counter: 41,
  salt: "salt of the session",
};
const token = formatRefreshToken(ring, parts);

const anyParts = fc.record({
  kid: fc.constantFrom("k1", "k2"),
  sessionId: fc.uuid(),
  counter: fc.maxSafeNat(),
  salt: fc.string(),
});

function accepted(text: string): boolean {
  const parsed = parseRefreshToken(text);
  return parsed !== null && refreshTokenMatches(ring, parsed, parts);
}

describe("a refresh token", () => {
  test("parses to its parts and matches its session", () => {
    fc.assert(
      fc.property(anyParts, (made) => {
        const parsed = parseRefreshToken(formatRefreshToken(ring, made));
        const { kid, sessionId, counter } = made;
        expect(parsed).toMatchObject({ kid, sessionId, counter });
        expect(parsed && refreshTokenMatches(ring, parsed, made)).toBe(true);
      }),
    );
  });

  test("is deterministic", () => {
    expect(formatRefreshToken(ring, parts)).toBe(token);
  });

  test("has at most 117 characters", () => {
    const wide = parseKeyRing(`${"k".repeat(16)}:${"n".repeat(32)}`);
    const counter = Number.MAX_SAFE_INTEGER;
    expect(formatRefreshToken(wide, { ...parts, kid: wide.active, counter })).toHaveLength(117);
  });

  test("does not match another salt, counter, session or key", () => {
    fc.assert(
      fc.property(anyParts, (other) => {
        fc.pre(other.salt !== parts.salt);
        expect(accepted(formatRefreshToken(ring, other))).toBe(false);
      }),
    );
    expect(accepted(token.replace(".41.", ".42."))).toBe(false);
    expect(accepted(token.replace("v1.k2.", "v1.k1."))).toBe(false);
    expect(accepted(token.replace("000000000001", "000000000002"))).toBe(false);
  });

  test("is rejected with one character changed", () => {
    fc.assert(
      fc.property(fc.nat(token.length - 1), fc.string({ minLength: 1, maxLength: 1 }), (at, character) => {
        fc.pre(token[at] !== character);
        expect(accepted(token.slice(0, at) + character + token.slice(at + 1))).toBe(false);
      }),
      { numRuns: 1000 },
    );
  });

  test("is rejected with another last character that decodes to the same bytes", () => {
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const accepting = [...alphabet].filter((last) => accepted(token.slice(0, -1) + last));
    expect(accepting).toEqual([token.at(-1)]);
  });

  test.each([
    ["nothing", ""],
    ["a space before", ` ${token}`],
    ["a line end behind", `${token}\n`],
    ["a part more", `${token}.x`],
    ["another version", token.replace("v1.", "v2.")],
    ["an upper-case session", token.replace("0199a3c4", "0199A3C4")],
    ["a session that is no UUID", token.replace("7c5e-7000", "7c5e7-000")],
    ["a counter with a leading zero", token.replace(".41.", ".041.")],
    ["a counter with a sign", token.replace(".41.", ".+41.")],
    ["a counter in scientific notation", token.replace(".41.", ".4e1.")],
    ["a counter in hexadecimal", token.replace(".41.", ".0x29.")],
    ["a counter beyond the safe integers", token.replace(".41.", ".9007199254740993.")],
    ["a key id of 17 characters", token.replace("k2", "k".repeat(17))],
    ["a padded MAC", `${token}=`],
    ["a megabyte", `${token}${"A".repeat(1_000_000)}`],
  ])("with %s is none", (_what, text) => {
    expect(parseRefreshToken(text)).toBeNull();
  });

  test("with an unknown key id does not match, and throws no UnknownKeyError", () => {
    expect(accepted(token.replace("v1.k2.", "v1.k9."))).toBe(false);
  });

  test("of a session with a missing key throws UnknownKeyError", () => {
    const parsed = parseRefreshToken(token);
    const older = parseKeyRing(`k1:${"o".repeat(32)}`);
    expect(() => parsed && refreshTokenMatches(older, parsed, parts)).toThrow(
      expect.objectContaining({ name: "UnknownKeyError", kid: "k2" }),
    );
  });

  test("of an earlier key matches while the ring has that key", () => {
    const early = parseRefreshToken(formatRefreshToken(ring, { ...parts, kid: "k1" }));
    expect(early && refreshTokenMatches(ring, early, parts)).toBe(true);
  });
});
