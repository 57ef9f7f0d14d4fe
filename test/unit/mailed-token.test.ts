import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { parseKeyRing } from "../../lib/crypto/key-ring.ts";
import {
  formatMailedToken,
  type MailedTokenBinding,
  mailedTokenMatches,
  parseMailedToken,
} from "../../lib/crypto/mailed-token.ts";
import { emailKey, emailKeyHash, usernameKey } from "../../lib/runtime/text-keys.ts";

const ring = parseKeyRing(`k2:${"n".repeat(32)},k1:${"o".repeat(32)}`);
const tenantId = "0199a3c4-7c5e-7000-8000-00000000000a";
const binding: MailedTokenBinding = {
  kid: "k2",
  tokenId: "0199a3c4-7c5e-7000-8000-000000000001",
  purpose: "reset_password",
  userId: "0199a3c4-7c5e-7000-8000-000000000002",
  tenantId,
  emailKeyHash: emailKeyHash(tenantId, emailKey("Ann@Example.com")),
};
const token = formatMailedToken(ring, binding);

function accepted(text: string, by = binding): boolean {
  const parsed = parseMailedToken(text);
  return parsed !== null && mailedTokenMatches(ring, parsed, by);
}

describe("a mailed token", () => {
  test("parses to its parts and matches its row", () => {
    const anyIntent = fc.record({
      kid: fc.constantFrom("k1", "k2"),
      tokenId: fc.uuid(),
      purpose: fc.constantFrom("verify_email" as const, "reset_password", "change_email", "invite"),
      userId: fc.option(fc.uuid()),
      tenantId: fc.uuid(),
      emailKeyHash: fc.string(),
    });
    fc.assert(
      fc.property(anyIntent, (made) => {
        const text = formatMailedToken(ring, made);
        expect(parseMailedToken(text)).toMatchObject({ kid: made.kid, tokenId: made.tokenId });
        expect(accepted(text, made)).toBe(true);
      }),
    );
  });

  test("is the same at each retry of the mail", () => {
    expect(formatMailedToken(ring, { ...binding })).toBe(token);
  });

  test.each<Partial<MailedTokenBinding>>([
    { kid: "k1" },
    { tokenId: "0199a3c4-7c5e-7000-8000-000000000009" },
    { purpose: "verify_email" },
    { userId: "0199a3c4-7c5e-7000-8000-000000000009" },
    { userId: null },
    { tenantId: "0199a3c4-7c5e-7000-8000-000000000009" },
    { emailKeyHash: emailKeyHash(tenantId, emailKey("eve@example.com")) },
  ])("does not match a row that differs by %j", (difference) => {
    expect(accepted(token, { ...binding, ...difference })).toBe(false);
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
    expect([...alphabet].filter((last) => accepted(token.slice(0, -1) + last))).toEqual([token.at(-1)]);
  });

  test.each(["", ` ${token}`, `${token}\n`, `${token}.x`, `${token}=`, token.toUpperCase(), token.replace("v1", "v2")])(
    "in any other form is none (%j)",
    (text) => expect(parseMailedToken(text)).toBeNull(),
  );

  test("with an unknown key id does not match, and throws no UnknownKeyError", () => {
    expect(accepted(token.replace("v1.k2.", "v1.k9."))).toBe(false);
  });

  test("of a row with a missing key throws UnknownKeyError", () => {
    const parsed = parseMailedToken(token);
    const older = parseKeyRing(`k1:${"o".repeat(32)}`);
    expect(() => parsed && mailedTokenMatches(older, parsed, binding)).toThrow(
      expect.objectContaining({ name: "UnknownKeyError", kid: "k2" }),
    );
  });
});

describe("text keys", () => {
  test("do not depend on case or Unicode form", () => {
    expect(emailKey("ANN@Example.COM")).toBe("ann@example.com");
    expect(usernameKey("Ａｎｎ")).toBe("ann");
    expect(emailKey("Zoe\u0308@example.com")).toBe(emailKey("ZO\u00CB@example.com"));
  });

  test("are unchanged by a second normalization", () => {
    for (const key of [emailKey, usernameKey])
      fc.assert(
        fc.property(fc.string({ unit: "grapheme" }), (text) => expect(key(key(text))).toBe(key(text))),
        { examples: [["\u1fed"], ["a\uff20b.example"], ["\u00a8ann@example.com"]] },
      );
  });

  test("of one address have a different hash per tenant", () => {
    expect(emailKeyHash("a", "b@c")).toMatch(/^[0-9a-f]{64}$/);
    expect(emailKeyHash("a", "b@c")).not.toBe(emailKeyHash("d", "b@c"));
  });
});
