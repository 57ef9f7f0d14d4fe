import { expect, test } from "@jest/globals";
import { rateLimitKey } from "../../lib/runtime/rate-limit-key.ts";

test("IPv6 addresses in one /64 share a rate limit", () => {
  expect(rateLimitKey("2001:db8:1:2:3:4:5:6")).toBe(rateLimitKey("2001:db8:1:2::1"));
  expect(rateLimitKey("2001:db8:1:3::1")).not.toBe(rateLimitKey("2001:db8:1:2::1"));
  expect(rateLimitKey("2001:db8::1")).toBe("2001:db8:0:0::/64");
  expect(rateLimitKey("1.2.3.4")).toBe("1.2.3.4");
});

test.each([
  ["compressed", "2001:db8:0:2::1"],
  ["compressed elsewhere", "2001:db8::2:0:0:0:1"],
  ["uncompressed", "2001:db8:0:2:0:0:0:1"],
  ["with leading zeros", "2001:0db8:0000:0002:0000:0000:0000:0001"],
  ["in upper case", "2001:DB8:0:2:ABCD:EF01::"],
  ["with a zone", "2001:db8:0:2::1%eth0"],
  ["ending in an IPv4 address", "2001:db8:0:2::192.0.2.1"],
  ["ending in an IPv4 address after six groups", "2001:db8::2:1:1:192.0.2.1"],
])("an address of a /64 that is written %s has the key of that /64", (_, ip) => {
  expect(rateLimitKey(ip)).toBe("2001:db8:0:2::/64");
});

test.each([
  "::ffff:192.0.2.1",
  "::FFFF:192.0.2.1",
  "::ffff:c000:201",
  "0:0:0:0:0:ffff:192.0.2.1",
  "::ffff:192.0.2.1%1",
])("an IPv4-mapped address counts as the IPv4 address: %s", (ip) => {
  expect(rateLimitKey(ip)).toBe("192.0.2.1");
});

test.each(["", "unknown", "2001:db8::1::2", "[2001:db8::1]", "1.2.3"])(
  "a text that is no address is its own key: %j",
  (text) => {
    expect(rateLimitKey(text)).toBe(text);
  },
);
