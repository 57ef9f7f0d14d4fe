import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { decodeCanonical, encode } from "../../lib/crypto/base64url.ts";
import { type Binding, parseKeyRing, SealBrokenError, UnknownKeyError } from "../../lib/crypto/key-ring.ts";

const older = "an-older-secret-of-at-least-32-bytes";
const newer = "a-newer-secret-of-at-least-32-bytes!";
const before = parseKeyRing(`k1:${older}`);
const rolledOut = parseKeyRing(`k1:${older},k2:${newer}`);
const activated = parseKeyRing(`k2:${newer},k1:${older}`);
const phone: Binding = { table: "profiles", column: "phone", rowId: "0199a3c4-7c5e-7000-8000-000000000001" };

describe("SECRET_KEY", () => {
  test("the first key of a ring is the active one", () => {
    expect(activated.active).toBe("k2");
    expect(activated.kids).toEqual(["k2", "k1"]);
  });

  test("a single secret is the key k0", () => {
    expect(parseKeyRing(older).kids).toEqual(["k0"]);
  });

  test("a single secret may contain commas and colons", () => {
    const secret = "What? A,comma and: a-colon,in one secret";
    expect(parseKeyRing(secret).kids).toEqual(["k0"]);
    expect(parseKeyRing(secret).mac("otp", "x")).not.toEqual(parseKeyRing(`${secret}!`).mac("otp", "x"));
  });

  test("a single secret can be kept in a ring under k0", () => {
    const sealed = parseKeyRing(older).seal("data", "+49 30 1", phone);
    expect(parseKeyRing(`k1:${newer},k0:${older}`).open("data", sealed, phone).toString()).toBe("+49 30 1");
  });

  test("a secret of a ring may contain colons", () => {
    expect(parseKeyRing(`k2:${newer}:with:colons,k1:${older}`).kids).toEqual(["k2", "k1"]);
  });

  test("whitespace around entries is ignored", () => {
    const spaced = parseKeyRing(` k2:${newer}, k1:${older}\n`);
    expect(spaced.macAll("otp", "x")).toEqual(activated.macAll("otp", "x"));
  });

  test.each([`k2:${newer},K1:${older}`, `${newer},k1:${older}`, `k2:${newer},`, `k2:${newer},k1:`])(
    "a ring with a typing error is refused, not taken for one secret (%s)",
    (value) => expect(() => parseKeyRing(value)).toThrow(/ambiguous/),
  );

  test("a duplicate key id is rejected", () => {
    expect(() => parseKeyRing(`k1:${newer},k1:${older}`)).toThrow(/twice/);
  });

  test.each(["", "short", `k2:${newer},k1:short`, `k1:${"x".repeat(31)}`])(
    "a secret under 32 bytes is refused, with a way to make one (%s)",
    (value) => expect(() => parseKeyRing(value)).toThrow(/32 bytes or more.*openssl rand/),
  );

  test("error messages contain no secret", () => {
    for (const value of ["hunter2", `k2:${newer},k2:hunter2`, `k2:${newer},K1:hunter2`]) {
      expect(() => parseKeyRing(value)).toThrow(
        expect.not.objectContaining({ message: expect.stringMatching(/hunter2|newer/) }),
      );
    }
  });
});

describe("MACs", () => {
  test("differ by purpose, by key and by data", () => {
    const macs = [
      activated.mac("otp", "a"),
      activated.mac("csrf", "a"),
      activated.mac("otp", "a", "k1"),
      activated.mac("otp", "b"),
    ];
    expect(new Set(macs.map(encode)).size).toBe(4);
    expect(macs[0]).toHaveLength(32);
  });

  test("do not depend on the key's position in the ring", () => {
    expect(rolledOut.mac("otp", "a")).toEqual(activated.mac("otp", "a", "k1"));
  });

  test("under every key have the active one first", () => {
    expect(activated.macAll("csrf", "a")).toEqual([
      { kid: "k2", mac: encode(activated.mac("csrf", "a", "k2")) },
      { kid: "k1", mac: encode(activated.mac("csrf", "a", "k1")) },
    ]);
  });

  test("match only the same bytes, also at different lengths", () => {
    const mac = activated.mac("csrf", "a", "k1");
    expect(activated.macMatches("csrf", "a", "k1", mac)).toBe(true);
    expect(activated.macMatches("csrf", "a", "k2", mac)).toBe(false);
    expect(activated.macMatches("csrf", "a", "k1", mac.subarray(0, 31))).toBe(false);
    expect(activated.macMatches("csrf", "a", "k1", Buffer.alloc(0))).toBe(false);
  });

  test("under a missing key throw UnknownKeyError with its id", () => {
    expect(() => before.mac("otp", "a", "k2")).toThrow(UnknownKeyError);
    expect(() => before.mac("otp", "a", "k2")).toThrow(expect.objectContaining({ kid: "k2" }));
  });
});

describe("seals", () => {
  test("open to the original value", () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.string(), fc.string(), fc.string(), (bytes, table, column, rowId) => {
        const sealed = activated.seal("data", bytes, { table, column, rowId });
        expect(Uint8Array.from(activated.open("data", sealed, { table, column, rowId }))).toEqual(
          Uint8Array.from(bytes),
        );
      }),
    );
  });

  test("contain version and key id, and are never equal", () => {
    const sealed = activated.seal("data", "", phone);
    expect(sealed).toMatch(/^v1\.k2\.[\w-]{16}\.[\w-]{22}$/);
    expect(activated.seal("data", "", phone)).not.toBe(sealed);
  });

  test("open on a node where the key is not active yet", () => {
    expect(rolledOut.open("data", activated.seal("data", "secret", phone), phone).toString()).toBe("secret");
  });

  test("under a missing key throw UnknownKeyError, not SealBrokenError", () => {
    const sealed = activated.seal("data", "secret", phone);
    expect(() => before.open("data", sealed, phone)).toThrow(
      expect.objectContaining({ name: "UnknownKeyError", kid: "k2" }),
    );
  });

  test("under an older key need resealing", () => {
    const sealed = before.seal("data", "secret", phone);
    expect(activated.needsResealing(sealed)).toBe(true);
    expect(rolledOut.needsResealing(sealed)).toBe(false);
  });

  test.each([
    { ...phone, table: "users" },
    { ...phone, column: "date_of_birth" },
    { ...phone, rowId: "0199a3c4-7c5e-7000-8000-000000000002" },
    { table: "profilesphone", column: "", rowId: phone.rowId },
    { table: 'profiles","phone', column: "", rowId: phone.rowId },
  ])("moved to another place do not open (%j)", (place) => {
    expect(() => activated.open("data", activated.seal("data", "secret", phone), place)).toThrow(SealBrokenError);
  });

  test("do not open for another purpose", () => {
    expect(() => activated.open("password", activated.seal("data", "secret", phone), phone)).toThrow(SealBrokenError);
  });

  test("do not open with another key id", () => {
    const sealed = activated.seal("data", "secret", phone).replace("v1.k2.", "v1.k1.");
    expect(() => activated.open("data", sealed, phone)).toThrow(SealBrokenError);
  });

  test("do not open with one character changed", () => {
    const sealed = activated.seal("data", "secret", phone);
    fc.assert(
      fc.property(fc.nat(sealed.length - 1), fc.string({ minLength: 1, maxLength: 1 }), (at, character) => {
        fc.pre(sealed[at] !== character);
        const changed = sealed.slice(0, at) + character + sealed.slice(at + 1);
        expect(() => activated.open("data", changed, phone)).toThrow(/SECRET_KEY has no key|sealed value/);
      }),
      { numRuns: 1000 },
    );
  });

  test.each(["", "v1", "v1.k2", "v1.k2..", "v2.k2.AAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAA", "null"])(
    "that are none are broken (%s)",
    (text) => {
      expect(() => activated.open("data", text, phone)).toThrow(SealBrokenError);
      expect(() => activated.needsResealing(text)).toThrow(SealBrokenError);
    },
  );
});

describe("base64url", () => {
  test("decodes what it encodes", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(decodeCanonical(encode(bytes))).toEqual(Buffer.from(bytes));
      }),
    );
  });

  test.each(["AB", "AAB", "A", "AA==", "A A", "A+", "A/", "AA\n", "Ä"])(
    "takes nothing but the canonical form (%j)",
    (text) => {
      expect(decodeCanonical(text)).toBeNull();
    },
  );
});
