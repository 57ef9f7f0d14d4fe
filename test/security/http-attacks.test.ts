import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { raw, statusOf } from "../support/clients/raw-http.ts";
import { linkToken, mailTo, newPerson, register, signIn } from "../support/flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "../support/start/usermesh.ts";

/** test/integration/gateway/http.test.ts has similar tests for the gateway alone. */
const TIMEOUT_MS = 3_000;
let usermesh: Usermesh;
let access = "";
beforeAll(async () => {
  usermesh = await startUsermesh({ REQUEST_TIMEOUT_MS: String(TIMEOUT_MS) });
  access = (await signIn(usermesh, await register(usermesh))).access;
});
afterAll(() => usermesh.stop());

const send = (method: string, path: string, body: string, headers: object = {}) =>
  fetch(`${usermesh.url}/api/v1/${path}`, {
    method,
    headers: { "content-type": "application/json", authorization: `Bearer ${access}`, ...headers },
    body,
  });
const bioOf = async () => (await usermesh.api.get("users/me", access)).body.data.bio;

describe("a body that parsers interpret differently", () => {
  test.each([
    ["a field twice", '{"bio":"one","bio":"two"}', 400],
    ["a field twice, once escaped", '{"bio":"one","\\u0062io":"two"}', 400],
    ["a field twice, deep inside", '{"education":[{"a":1,"a":2}]}', 400],
    ["a prototype", '{"__proto__":{"bio":"x"}}', 422],
    ["a prototype, escaped", '{"\\u005f_proto__":{"bio":"x"}}', 422],
    ["a constructor", '{"constructor":{"prototype":{"bio":"x"}}}', 422],
    ["a number that is none", '{"bio":1e999}', 422],
    ["NaN", '{"bio":NaN}', 400],
    ["a comment", '{"bio":"x"/**/}', 400],
    ["single quotes", "{'bio':'x'}", 400],
    ["a comma too many", '{"bio":"x",}', 400],
    ["two documents", '{"bio":"x"}{"bio":"y"}', 400],
    ["half a character", '{"bio":"\\ud800"}', 422],
    ["a list", '[{"bio":"x"}]', 400],
    ["null", "null", 400],
  ])("%s is refused", async (_, body, status) => {
    const answer = await send("PATCH", "users/me", body);
    expect([answer.status, await bioOf()]).toEqual([status, null]);
  });
});

describe("an excessive body", () => {
  /** In processor time, which other processes don't lengthen. The server runs in this process. */
  const isCheap = async (work: () => Promise<Response>) => {
    const before = process.cpuUsage();
    const { status } = await work();
    const { user, system } = process.cpuUsage(before);
    return [status, user + system < 1_000_000];
  };
  const deep = (levels: number) => `{"bio":${"[".repeat(levels)}${"]".repeat(levels)}}`;

  test.each<readonly [string, string, number]>([
    ["a string of 1 MB", JSON.stringify({ bio: "x".repeat(1_000_000) }), 413],
    ["a name of 60 kB", JSON.stringify({ ["x".repeat(60_000)]: 1 }), 422],
    ["5,000 fields", JSON.stringify(Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`f${n}`, 1]))), 422],
    ["30,000 levels", deep(30_000), 400],
    ["21 levels", deep(21), 400],
    ["a number of 60,000 digits", `{"years_of_experience":${"9".repeat(60_000)}}`, 422],
    ["100,000 blanks", `${" ".repeat(100_000)}{}`, 413],
  ])("%s is refused at little cost", async (_, body, status) => {
    expect(await isCheap(() => send("PATCH", "users/me", body))).toEqual([status, true]);
  });

  test("with many invalid fields gets a short response", async () => {
    const body = JSON.stringify(Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`f${n}`, 1])));
    const text = await (await send("PATCH", "users/me", body)).text();
    expect([JSON.parse(text).errors.length > 0, text.length < body.length]).toEqual([true, true]);
  });

  test("is not decompressed: 415", async () => {
    for (const encoding of ["gzip", "br", "deflate", "zstd"])
      expect((await send("PATCH", "users/me", "x", { "content-encoding": encoding })).status).toBe(415);
  });
});

describe("a slow request", () => {
  const head = (more: string) =>
    `POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${more}`;
  /** Sends piece after piece while the connection is open. */
  async function drip(start: string, piece: string): Promise<readonly [number, number]> {
    const began = performance.now();
    const { connect } = await import("node:net");
    const socket = connect(Number(new URL(usermesh.url).port), "127.0.0.1");
    let answer = "";
    socket.on("data", (chunk) => {
      answer += chunk;
    });
    socket.on("error", () => undefined);
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.write(start);
    const pump = setInterval(() => socket.writable && socket.write(piece), 50);
    await closed;
    clearInterval(pump);
    return [statusOf(answer), performance.now() - began];
  }

  test.each([
    ["a head that never ends", head(""), "X-A: b\r\n"],
    ["a body that comes byte by byte", head("Content-Length: 60000\r\n\r\n"), " "],
    ["chunks without end", head("Transfer-Encoding: chunked\r\n\r\n"), "1\r\n \r\n"],
  ])("%s ends in 408", async (_, start, piece) => {
    const [status, took] = await drip(start, piece);
    expect([status, took < 3 * TIMEOUT_MS]).toEqual([408, true]);
  });

  test("does not delay others, even 100 at once", async () => {
    const slow = Array.from({ length: 100 }, () => raw(usermesh.url, head("Content-Length: 100\r\n\r\n{")));
    const start = performance.now();
    expect((await usermesh.api.get("users/me", access)).status).toBe(200);
    expect(performance.now() - start).toBeLessThan(TIMEOUT_MS);
    expect(new Set((await Promise.all(slow)).map(statusOf))).toEqual(new Set([408]));
  });
});

describe("request smuggling", () => {
  const smuggled = "GET /api/v1/users/me HTTP/1.1\r\nHost: x\r\n\r\n";
  const post = (more: string, body: string) =>
    raw(
      usermesh.url,
      `POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${more}\r\n${body}`,
      /$^/,
    );

  test.each([
    ["a length and chunks", "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", `0\r\n\r\n${smuggled}`],
    ["chunks and a length", "Transfer-Encoding: chunked\r\nContent-Length: 100\r\n", `0\r\n\r\n${smuggled}`],
    ["two lengths", "Content-Length: 2\r\nContent-Length: 60\r\n", `{}${smuggled}`],
    ["a list of lengths", "Content-Length: 2, 60\r\n", `{}${smuggled}`],
    ["a length with a sign", "Content-Length: +2\r\n", `{}${smuggled}`],
    ["a length in hex", "Content-Length: 0x2\r\n", `{}${smuggled}`],
    ["chunks twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", `0\r\n\r\n${smuggled}`],
    ["an unknown encoding", "Transfer-Encoding: xchunked\r\n", `0\r\n\r\n${smuggled}`],
    ["a blank before the colon", "Transfer-Encoding : chunked\r\n", `0\r\n\r\n${smuggled}`],
    ["a folded header", "Transfer-Encoding:\r\n chunked\r\nContent-Length: 4\r\n", `0\r\n\r\n${smuggled}`],
    ["bare line feeds", "X: y\nTransfer-Encoding: chunked\r\n", `0\r\n\r\n${smuggled}`],
    ["a chunk's length that is none", "Transfer-Encoding: chunked\r\n", `zz\r\n{}\r\n0\r\n\r\n${smuggled}`],
    ["a chunk's length too long", "Transfer-Encoding: chunked\r\n", `fffffffffffffffff\r\n{}\r\n0\r\n\r\n${smuggled}`],
  ])("%s is refused, and the smuggled request gets no response", async (_, head, body) => {
    const answer = await post(head, body);
    expect(statusOf(answer)).toBeGreaterThanOrEqual(400);
    expect(statusOf(answer)).toBeLessThan(500);
    expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1);
  });
});

describe("a disguised path or method", () => {
  test.each([
    "/api/v1//users/me",
    "//api/v1/users/me",
    "/api/v1/./users/me",
    "/api/v1/admin/../users/me",
    "/api/v1/%61dmin/users",
    "/api/v1/users/%6de",
    "/api/v1/users/me;admin=true",
    "/api/v1/users/me%00",
    "/api/v1/users/me%2f",
    "/api/v1/users%2fme",
    "/api/v1/users\\me",
    "/API/V1/USERS/ME",
    "/api/v1/users/me/%2e%2e/%2e%2e/admin/users",
    "/api/v1/users/me/.json",
    "http://evil.example.com//users/me",
  ])("%s is 404", async (target) => {
    const request = `GET ${target} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${access}\r\nConnection: close\r\n\r\n`;
    expect(statusOf(await raw(usermesh.url, request, /$^/))).toBe(404);
  });

  test.each(["x-http-method-override", "x-http-method", "x-method-override"])(
    "%s does not change the method",
    async (name) => {
      const answer = await usermesh.api.request("GET", "users/me?_method=DELETE", {
        token: access,
        headers: { [name]: "DELETE" },
      });
      expect(answer.body.data.is_active).toBe(true);
    },
  );

  test("no query parameter, cookie or header replaces the token", async () => {
    const path = `users/me?access_token=${access}&token=${access}`;
    const headers = {
      "x-access-token": access,
      "x-authorization": `Bearer ${access}`,
      "x-user-id": "1",
      cookie: `token=${access}`,
    };
    expect((await usermesh.api.request("GET", path, { headers })).status).toBe(401);
  });

  test("too many or too large headers, or a target of 20 kB, are 431", async () => {
    const flood = (head: string, target = "/") =>
      raw(usermesh.url, `GET ${target} HTTP/1.1\r\nHost: x\r\n${head}\r\n`, /$^/);
    expect(statusOf(await flood(`X: ${"y".repeat(100_000)}\r\n`))).toBe(431);
    expect(statusOf(await flood("", `/${"x".repeat(20_000)}`))).toBe(431);
    expect([200, 431]).toContain(statusOf(await flood("X: y\r\nConnection: close\r\n".repeat(600))));
  });

  test("the Host header appears in no mail and no response", async () => {
    const person = newPerson();
    const body = JSON.stringify({ ...person });
    const head = `POST /api/v1/auth/register HTTP/1.1\r\nHost: evil.example.com\r\nX-Forwarded-Host: evil.example.com\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`;
    const answer = await raw(usermesh.url, head + body, /$^/);
    expect([statusOf(answer), answer.includes("evil")]).toEqual([201, false]);
    const mail = await mailTo(usermesh, person.email, /verify-email/);
    expect([linkToken(mail).length > 40, (mail.text + mail.html).includes("evil")]).toEqual([true, false]);
  });
});
