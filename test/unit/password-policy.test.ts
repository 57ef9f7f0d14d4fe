import { describe, expect, test } from "@jest/globals";
import {
  findPolicyViolation,
  type PasswordOwner,
  type PasswordPolicy,
} from "../../services/auth/password/password-policy.ts";

const commonPasswords = new Set(["password1", "sunshine1", "correcthorsebattery"]);
const stranger: PasswordOwner = { email: "q@example.com", username: null };

function codeOf(policy: PasswordPolicy, password: string, owner = stranger): string | null {
  return findPolicyViolation({ policy, commonPasswords }, password, owner)?.code ?? null;
}

describe("the classic policy", () => {
  test.each([
    ["SecurePass123", null],
    ["Ab34567", "password_too_short"],
    ["securepass123", "password_too_weak"],
    ["SECUREPASS123", "password_too_weak"],
    ["SecurePassword", "password_too_weak"],
    ["Größe und Länge 1", null],
    ["Éàè12345", null],
  ])("answers %s with %s", (password, code) => expect(codeOf("classic", password)).toBe(code));
});

describe("the length policy", () => {
  test.each([
    ["kwzqxjvp", null],
    ["        ", null],
    ["kwzqxjv", "password_too_short"],
  ])("answers %j with %s", (password, code) => expect(codeOf("length", password)).toBe(code));
});

describe("the NIST policy", () => {
  test("requires 15 characters", () => {
    expect(codeOf("nist", "kwzqxjvp kwzqx")).toBe("password_too_short");
    expect(codeOf("nist", "kwzqxjvp kwzqxj")).toBeNull();
  });
});

describe.each<PasswordPolicy>(["classic", "length", "nist"])("every policy (%s)", (policy) => {
  test("accepts at most 128 characters, counted in code points", () => {
    const emoji = `Aa1${"😀".repeat(125)}`;
    expect(codeOf(policy, emoji)).toBeNull();
    expect(codeOf(policy, `${emoji}😀`)).toBe("password_too_long");
  });

  test("counts an emoji as one character", () => {
    expect(codeOf(policy, "Aa1😀😀😀😀")).toBe("password_too_short");
  });

  test("rejects the name of the product", () => {
    expect(codeOf(policy, "UserMesh20260101")).toBe("password_too_common");
  });

  test("gives a readable reason", () => {
    const message = findPolicyViolation({ policy, commonPasswords }, "Aa1", stranger)?.message;
    expect(message).toBe(`Use at least ${policy === "nist" ? 15 : 8} characters.`);
  });
});

describe("the most common passwords are rejected", () => {
  test.each(["Password1", "Sunshine1", "Ｐａｓｓｗｏｒｄ1"])("in any case and Unicode form (%s)", (password) => {
    expect(codeOf("classic", password)).toBe("password_too_common");
  });

  test("but not passwords that merely contain one", () => {
    expect(codeOf("classic", "Password1 of my bicycle")).toBeNull();
  });
});

describe("a password of the account's own words", () => {
  const john: PasswordOwner = { email: "john.smith@example.com", username: "Zephirine", fullName: "John Doe Müller" };

  test.each([
    "John1234",
    "Smith2026",
    "John.Smith1",
    "Zephirine1!",
    "JohnSmith2026",
    "MÜLLERmüller1",
    "1Mu\u0308ller!!",
  ])("is refused (%s)", (password) =>
    expect(codeOf("classic", password, john)).toBe("password_contains_personal_data"),
  );

  test.each(["John1234Doe", "SecurePass123", "Zephirine likes 4 teas", "Doe12345Xy"])(
    "is taken when there is enough beside them (%s)",
    (password) => expect(codeOf("classic", password, john)).toBeNull(),
  );

  test("ignores words of less than four characters and the domain of the address", () => {
    const ann: PasswordOwner = { email: "ann@example.com", username: "ann", fullName: "Ann Lee" };
    expect(codeOf("classic", "AnnLeeAnn1", ann)).toBeNull();
    expect(codeOf("classic", "Example.com1", ann)).toBeNull();
  });

  test("works without any words", () => expect(codeOf("classic", "SecurePass123", {})).toBeNull());
});
