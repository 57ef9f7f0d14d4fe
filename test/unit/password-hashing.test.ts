import { argon2Sync, pbkdf2Sync } from "node:crypto";
import { describe, expect, jest, test } from "@jest/globals";
import bcrypt from "bcrypt";
import { parseKeyRing, SealBrokenError, UnknownKeyError } from "../../lib/crypto/key-ring.ts";
import { type Bulkhead, createBulkhead, OverloadedError } from "../../lib/runtime/bulkhead.ts";
import { createPasswordHashing } from "../../services/auth/password/password-hashing.ts";

const older = `k1:${"o".repeat(32)}`;
const newer = `k2:${"n".repeat(32)}`;
const ring = parseKeyRing(older);
const bulkhead = createBulkhead({ concurrency: 2, queue: 100 });
const hashing = createPasswordHashing({ ring, cost: 4, bulkhead });
const credential = "0199a3c4-7c5e-7000-8000-000000000001";
const other = "0199a3c4-7c5e-7000-8000-000000000002";

const result = (ok: boolean, outdated: boolean) => ({ ok, outdated, time: expect.anything() });
const verified = result(true, false);
const wrong = result(false, false);
const upgradeable = result(true, true);
const wrongAndOutdated = result(false, true);

function django(password: string, iterations: number): string {
  const result = pbkdf2Sync(password, "seasalt", iterations, 32, "sha256").toString("base64");
  return `pbkdf2_sha256$${iterations}$seasalt$${result}`;
}

function phc(
  variant: "argon2id" | "argon2i",
  password: string,
  costs = { memory: 64, passes: 2, parallelism: 2 },
): string {
  const nonce = Buffer.from("some salt of 16b");
  const result = argon2Sync(variant, { message: password, nonce, tagLength: 32, ...costs });
  const text = (bytes: Buffer) => bytes.toString("base64").replaceAll("=", "");
  return `$${variant}$v=19$m=${costs.memory},t=${costs.passes},p=${costs.parallelism}$${text(nonce)}$${text(result)}`;
}

describe("a password", () => {
  test("verifies with its own hash only", async () => {
    const stored = await hashing.hash("SecurePass123", credential);
    await expect(hashing.verify("SecurePass123", stored, credential)).resolves.toEqual(verified);
    await expect(hashing.verify("SecurePass124", stored, credential)).resolves.toEqual(wrong);
  });

  test.each([
    ["what comes after 72 bytes", `${"x".repeat(80)}a`, `${"x".repeat(80)}b`],
    ["what comes after a NUL", "before\0after", "before\0other"],
    ["space at the ends", "password ", "password"],
    ["case", "Password", "password"],
    ["the Unicode form", "Zo\u00eb", "Zoe\u0308"],
    ["anything at all", "", "\0"],
  ])("counts exactly as typed: %s", async (_what, typed, almost) => {
    const stored = await hashing.hash(typed, credential);
    await expect(hashing.verify(typed, stored, credential)).resolves.toEqual(verified);
    await expect(hashing.verify(almost, stored, credential)).resolves.toEqual(wrong);
  });

  test("is stored as scheme and sealed hash, without bcrypt in plain text", async () => {
    const stored = await hashing.hash("SecurePass123", credential);
    expect(stored).toMatch(/^bcrypt-sha512_256\.4\$v1\.k1\.[\w-]+\.[\w-]+$/);
    await expect(hashing.hash("SecurePass123", credential)).resolves.not.toBe(stored);
  });

  test("does not open in another account", async () => {
    const stored = await hashing.hash("SecurePass123", credential);
    await expect(hashing.verify("SecurePass123", stored, other)).rejects.toThrow(SealBrokenError);
  });

  test("sealed with a missing key throws UnknownKeyError instead of not matching", async () => {
    const rotated = createPasswordHashing({ ring: parseKeyRing(`${newer},${older}`), cost: 4, bulkhead });
    const stored = await rotated.hash("SecurePass123", credential);
    await expect(hashing.verify("SecurePass123", stored, credential)).rejects.toThrow(UnknownKeyError);
  });

  test("with another cost or key is reported as outdated, whether it matches or not", async () => {
    const stored = await hashing.hash("SecurePass123", credential);
    const costlier = createPasswordHashing({ ring, cost: 5, bulkhead });
    const rotated = createPasswordHashing({ ring: parseKeyRing(`${newer},${older}`), cost: 4, bulkhead });
    await expect(costlier.verify("SecurePass123", stored, credential)).resolves.toEqual(upgradeable);
    await expect(rotated.verify("SecurePass123", stored, credential)).resolves.toEqual(upgradeable);
    await expect(rotated.verify("wrong", stored, credential)).resolves.toEqual(wrongAndOutdated);
  });

  test.each(["", "nonsense", "md5$v1.k1.x.y", "__proto__$x", "constructor$x"])(
    "with an unknown scheme is an error (%s)",
    async (stored) => {
      await expect(hashing.verify("x", stored, credential)).rejects.toThrow(
        expect.objectContaining({ code: "unknown_scheme" }),
      );
    },
  );
});

describe("an account that does not exist", () => {
  test("is never verified", async () => {
    await expect(hashing.simulateVerify("SecurePass123")).resolves.toEqual(wrong);
  });

  test("takes the same work as an existing one: a comparison of the same cost", async () => {
    const compare = jest.spyOn(bcrypt, "compare");
    try {
      const slower = createPasswordHashing({ ring, cost: 9, bulkhead });
      await slower.verify("wrong", await slower.hash("SecurePass123", credential), credential);
      await slower.simulateVerify("wrong");
      const costs = compare.mock.calls.map(([, hash]) => bcrypt.getRounds(hash));
      expect(costs).toEqual([9, 9]);
    } finally {
      compare.mockRestore();
    }
  });

  test("waits in the same queue", async () => {
    const full: Bulkhead = () => Promise.reject(new OverloadedError());
    const refusing = createPasswordHashing({ ring, cost: 4, bulkhead: full });
    await expect(refusing.simulateVerify("x")).rejects.toThrow(OverloadedError);
    await expect(refusing.hash("x", credential)).rejects.toThrow(OverloadedError);
  });
});

describe("a hash of another system", () => {
  const plain = bcrypt.hashSync("SecurePass123", 4);
  test.each([
    ["bcrypt 2b", plain],
    ["bcrypt 2a", plain.replace("$2b$", "$2a$")],
    ["bcrypt 2y", plain.replace("$2b$", "$2y$")],
    ["Django's PBKDF2", django("SecurePass123", 1000)],
    ["argon2id", phc("argon2id", "SecurePass123")],
    ["argon2i", phc("argon2i", "SecurePass123")],
  ])("verifies and is outdated (%s)", async (_system, foreign) => {
    const stored = hashing.importHash(foreign, credential);
    expect(stored).toMatch(/^foreign\.[\w:]+\$v1\.k1\.[\w-]+\.[\w-]+$/);
    await expect(hashing.verify("SecurePass123", stored, credential)).resolves.toEqual(upgradeable);
    await expect(hashing.verify("securepass123", stored, credential)).resolves.toEqual(wrongAndOutdated);
  });

  test("verifies published test vectors", async () => {
    // From RFC 7914 section 11, argon2's reference implementation (test.c) and crypt_blowfish (wrapper.c).
    const vectors = [
      ["passwd", "pbkdf2_sha256$1$salt$VawEblbjCJ/sFpHCJUS2BflBhSFt3gRl5oudV8INrLw="],
      ["password", "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"],
      ["password", "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8"],
      ["U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"],
    ] as const;
    for (const [password, foreign] of vectors) {
      const stored = hashing.importHash(foreign, credential);
      await expect(hashing.verify(password, stored, credential)).resolves.toEqual(upgradeable);
    }
  });

  test("verifies when its bcrypt salt has unused bits set", async () => {
    const last = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    const stray = plain.slice(0, 28) + last[last.indexOf(plain.charAt(28)) + 5] + plain.slice(29);
    const stored = hashing.importHash(stray, credential);
    await expect(hashing.verify("SecurePass123", stored, credential)).resolves.toEqual(upgradeable);
  });

  test("with Django's two million iterations does not block the event loop", async () => {
    const foreign = `pbkdf2_sha256$2000000$seasalt$${Buffer.alloc(32).toString("base64")}`;
    const stored = hashing.importHash(foreign, credential);
    let turns = 0;
    const turning = setInterval(() => (turns += 1), 1);
    await expect(hashing.verify("x", stored, credential)).resolves.toEqual(wrongAndOutdated);
    clearInterval(turning);
    expect(turns).toBeGreaterThan(10);
  });

  test.each([
    plain.replace("$04$", "$16$"),
    django("x", 1).replace("$1$", "$2000001$"),
    phc("argon2id", "x").replace("m=64", "m=262145"),
    phc("argon2id", "x").replace("t=2", "t=11"),
    phc("argon2i", "x").replace("p=2", "p=9"),
  ])("that would cost too much is refused (%s)", (foreign) => {
    expect(() => hashing.importHash(foreign, credential)).toThrow(expect.objectContaining({ code: "too_costly" }));
  });

  test.each([
    plain.slice(0, -1),
    `${plain}\n`,
    plain.replace("$04$", "$03$"),
    "pbkdf2_sha256$1000$$AAAA",
    django("x", 1).replace("$1$", "$0$"),
    django("x", 1).replace("$1$", "$1e3$"),
    django("x", 1).replace("=", ""),
    phc("argon2id", "x").replace("v=19", "v=16"),
    phc("argon2id", "x").replace("m=64", "m=15"),
    phc("argon2id", "x").replace(/[^$]+$/, "AAAA"),
    phc("argon2id", "x").replace("p=2", "p=2,keyid=x"),
  ])("that is malformed is refused (%j)", (foreign) => {
    expect(() => hashing.importHash(foreign, credential)).toThrow(expect.objectContaining({ code: "malformed" }));
  });

  test.each(["", "SecurePass123", "5f4dcc3b5aa765d61d8327deb882cf99", "$argon2d$v=19$", "$2x$04$", "$1$salt$hash"])(
    "of an unknown kind is refused (%s)",
    (foreign) => {
      expect(() => hashing.importHash(foreign, credential)).toThrow(
        expect.objectContaining({ code: "unknown_scheme" }),
      );
    },
  );
});

test("an excessive cost is rejected at startup", () => {
  for (const cost of [3, 16, Number.NaN]) {
    expect(() => createPasswordHashing({ ring, cost, bulkhead })).toThrow(RangeError);
  }
});
