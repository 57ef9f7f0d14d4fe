import { describe, expect, test } from "@jest/globals";
import * as field from "../../lib/actions/schemas.ts";
import { asciiDomain } from "../../lib/runtime/domain-names.ts";
import { emailKey, isSameMailbox } from "../../lib/runtime/text-keys.ts";

describe("two spellings of one domain are one address", () => {
  test.each([
    ["u@bücher.example", "u@xn--bcher-kva.example"],
    ["u@BÜCHER.example", "U@XN--BCHER-KVA.EXAMPLE"],
    ["u@bu\u0308cher.example", "u@bücher.example"],
    ["u@example。com", "u@example.com"],
    ["u@مثال.إختبار", "u@xn--mgbh0fb.xn--kgbechtv"],
    ["u@straße.example", "u@xn--strae-oqa.example"],
  ])("%s, %s", (one, other) => {
    expect(emailKey(one)).toBe(emailKey(other));
    expect(isSameMailbox(one, other)).toBe(true);
  });

  test.each([
    ["u@straße.example", "u@strasse.example"],
    ["u@bücher.example", "u@bucher.example"],
    ["ü@example.com", "xn--tda@example.com"],
  ])("but not %s, %s", (one, other) => {
    expect(emailKey(one)).not.toBe(emailKey(other));
    expect(isSameMailbox(one, other)).toBe(false);
  });

  test("nothing in a domain is decoded or cut off", () => {
    expect(emailKey("u@ex%61mple.com")).toBe("u@ex%61mple.com");
    expect(emailKey("u@example.com/x")).toBe("u@example.com/x");
    expect(isSameMailbox("u@ex%61mple.com", "u@example.com")).toBe(false);
  });
});

describe("an address", () => {
  test.each(["a@example.com ", "\t a@example.com", "\u00a0a@example.com\n", "\ufeffa@example.com"])(
    "%j is taken without the blanks around it",
    (text) => {
      expect(field.Email.parse(text)).toBe("a@example.com");
      expect(emailKey(text)).toBe("a@example.com");
    },
  );

  const label = "l".repeat(63);
  test.each([
    "a@bücher.example",
    "a@xn--bcher-kva.example",
    `a@${label}.example`,
    "a@1.example.com",
    "a@a--b.example",
    "a+b&c|d@example.co.uk",
    `${"a".repeat(64)}@${label}.${label}.${"l".repeat(58)}.de`,
  ])("%s is accepted as typed", (text) => {
    expect(field.Email.parse(text)).toBe(text);
  });

  test.each([
    "a@-example.com",
    "a@example-.com",
    "a@example.123",
    "a@127.0.0.1",
    "a@127.1",
    "a@0x7f.1",
    "a@my_host.example.com",
    "a@localhost",
    "a@example.com.",
    "a@example..com",
    "a@ex%61mple.com",
    "a@example.com/x",
    "a@xn--a.example",
    `a@l${label}.example`,
    `a@${"ü".repeat(60)}.example`,
    `${"ü".repeat(33)}@example.com`,
    `${"a".repeat(64)}@${label}.${label}.${"l".repeat(59)}.de`,
    "a b@example.com",
  ])("%s cannot exist", (text) => {
    expect(field.Email.safeParse(text).success).toBe(false);
  });

  test("whose domain has a root label, no dot or other characters has no host name", () => {
    expect(["example.com.", "example", "a_b.com", "a b.com", ""].map(asciiDomain)).toEqual([
      null,
      null,
      null,
      null,
      null,
    ]);
  });
});

describe("a URL", () => {
  test.each([
    ["https://example.com", "https://example.com"],
    ["https://Example.com/Ada?q=1#top", "https://Example.com/Ada?q=1#top"],
    [" https://x.example ", "https://x.example"],
    ["https://x.example\n/a", "https://x.example/a"],
    ["https:x.example", "https://x.example/"],
    ["http:\\\\x.example\\a", "http://x.example/a"],
    ["https:///x.example", "https://x.example/"],
    ["https://x.example/a b", "https://x.example/a%20b"],
  ])("%j is stored as %j", (text, stored) => {
    expect(field.Url.parse(text)).toBe(stored);
  });

  test.each([
    "javascript:alert(1)",
    "ftp://x.example",
    "//x.example",
    "https://",
    `https://x.example/${" ".repeat(300)}a`,
  ])("%j is refused", (text) => {
    expect(field.Url.safeParse(text).success).toBe(false);
  });
});

test("a phone number has at most 15 digits, as in E.164", () => {
  const lengths = [1, 2, 15, 16].map((digits) => field.Phone.safeParse(`+${"4".repeat(digits)}`).success);
  expect(lengths).toEqual([false, true, true, false]);
});
