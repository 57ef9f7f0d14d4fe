import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { raw } from "../support/clients/raw-http.ts";
import { startUsermesh, type Usermesh } from "../support/start/usermesh.ts";

const LIMIT = 20;
let mesh: Usermesh;
beforeAll(async () => {
  mesh = await startUsermesh({ RATE_LIMIT_ENABLED: "true", RATE_LIMIT_DEFAULT: `${LIMIT}/60`, TRUST_PROXY: "1" });
});
afterAll(() => mesh?.stop());

const statusFrom = async (address: string, path: string, method = "GET"): Promise<number> => {
  const response = await fetch(mesh.url + path, { method, headers: { "x-forwarded-for": address } });
  await response.arrayBuffer();
  return response.status;
};

describe("a flood from one address of what calls no guarded action", () => {
  test.each([
    ["192.0.2.1", "GET", (n: number) => `/avatars/${n.toString(16).padStart(32, "0")}`],
    ["192.0.2.2", "GET", (n: number) => `/nothing-${n}`],
    ["192.0.2.3", "GET", () => "/docs"],
    ["192.0.2.4", "DELETE", () => "/api/v1/auth/login"],
    ["192.0.2.5", "OPTIONS", () => "/api/v1/auth/login"],
    ["192.0.2.6", "GET", () => "/.well-known/jwks.json"],
  ])("%s %s is refused with 429", async (address, method, path) => {
    const statuses = await Promise.all(Array.from({ length: LIMIT }, (_, n) => statusFrom(address, path(n), method)));
    expect(statuses.filter((status) => status === 429 || status === 500)).toEqual([]);
    expect(await statusFrom(address, path(LIMIT), method)).toBe(429);
    expect(await statusFrom("192.0.2.77", path(LIMIT), method)).not.toBe(429);
  });

  test("the files of pages have a limit of their own, so that many people behind one address can open them", async () => {
    const page = await fetch(`${mesh.url}/login`, { headers: { "x-forwarded-for": "192.0.2.10" } });
    const [path = ""] = /\/assets\/[^"]+[.]js/.exec(await page.text()) ?? [];
    const few = Array.from({ length: 5 * LIMIT }, () => statusFrom("192.0.2.11", path));
    expect(new Set(await Promise.all(few))).toEqual(new Set([200]));
    expect(await statusFrom("192.0.2.11", "/login")).toBe(200);
    const many = Array.from({ length: 95 * LIMIT }, () => statusFrom("192.0.2.11", path));
    expect(new Set(await Promise.all(many))).toEqual(new Set([200]));
    expect(await statusFrom("192.0.2.11", path)).toBe(429);
  });

  test("does not stop probes", async () => {
    for (let n = 0; n <= LIMIT; n += 1) expect(await statusFrom("192.0.2.9", "/health/live")).toBe(200);
  });
});

describe("a body whose end a proxy could see elsewhere", () => {
  test.each(["identity, chunked", "gzip, chunked", "chunked, chunked"])(
    "Transfer-Encoding: %s is refused",
    async (coding) => {
      const answer = await raw(
        mesh.url,
        `POST /api/v1/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: ${coding}\r\nConnection: close\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
        /$^/,
      );
      expect(Number(answer.split(" ")[1])).toBe(400);
    },
  );
});
