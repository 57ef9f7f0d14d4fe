import type { IncomingMessage } from "node:http";
import { describe, expect, test } from "@jest/globals";
import { isLoopback, readClient } from "../../../services/gateway/http/client-address.ts";

function requestFrom(remoteAddress: string, headers: Record<string, string> = {}): IncomingMessage {
  return { socket: { remoteAddress }, headers } as unknown as IncomingMessage;
}

const ipOf = (hops: number, forwarded?: string) =>
  readClient(requestFrom("10.0.0.9", forwarded === undefined ? {} : { "x-forwarded-for": forwarded }), hops).ip;

describe("client address", () => {
  test("without a trusted proxy, forwarding headers are ignored", () => {
    expect(ipOf(0, "1.2.3.4")).toBe("10.0.0.9");
  });

  test("behind one proxy, the last entry counts, not what the client sent before it", () => {
    expect(ipOf(1, "6.6.6.6, 1.2.3.4")).toBe("1.2.3.4");
  });

  test("behind two proxies, the second entry from the right counts", () => {
    expect(ipOf(2, "6.6.6.6, 1.2.3.4, 10.0.0.1")).toBe("1.2.3.4");
  });

  test.each([undefined, "", "unknown", "evil\u0000", "1.2.3.4, nonsense"])(
    "an invalid entry falls back to the peer address: %j",
    (forwarded) => {
      expect(ipOf(1, forwarded)).toBe("10.0.0.9");
    },
  );

  test("ports, brackets and mapped addresses are normalized", () => {
    expect(ipOf(1, "1.2.3.4:5555")).toBe("1.2.3.4");
    expect(ipOf(1, "[2001:DB8::1]:443")).toBe("2001:db8::1");
    expect(readClient(requestFrom("::ffff:1.2.3.4"), 0).ip).toBe("1.2.3.4");
  });

  const local = { host: "localhost:3000" };

  test.each([
    ["127.0.0.1", { host: "127.0.0.1:3000" }],
    ["127.0.0.1", local],
    ["127.8.0.1", { host: "LOCALHOST" }],
    ["::1", { host: "[::1]:3000" }],
    ["::ffff:127.0.0.1", { host: "[::1]" }],
  ])("a request from %s with %j is a loopback request", (peer, headers) => {
    expect(isLoopback(requestFrom(peer, headers))).toBe(true);
  });

  test.each([
    ["10.0.0.9", local],
    ["127.0.0.1", { ...local, "x-forwarded-for": "1.2.3.4" }],
    ["127.0.0.1", { ...local, via: "1.1 proxy" }],
    ["127.0.0.1", { host: "rebind.attacker.example" }],
    ["127.0.0.1", { host: "localhost.attacker.example:3000" }],
    ["127.0.0.1", { host: "127.0.0.1.attacker.example" }],
    ["127.0.0.1", { host: "10.0.0.9" }],
    ["127.0.0.1", { host: "[fe80::1]" }],
    ["127.0.0.1", { host: "" }],
    ["127.0.0.1", {}],
  ])("a request from %s with %j is not", (peer, headers) => {
    expect(isLoopback(requestFrom(peer, headers as Record<string, string>))).toBe(false);
  });
});
