import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { readJsonBody } from "../../../services/gateway/http/json-body.ts";
import { scanJson } from "../../../services/gateway/http/json-scan.ts";

const LIMIT = 65_536;

function requestOf(body: string | Buffer, headers: Record<string, string> = {}): IncomingMessage {
  const bytes = Buffer.from(body);
  const own = { "content-type": "application/json", "content-length": String(bytes.length), ...headers };
  return Object.assign(Readable.from(bytes.length === 0 ? [] : [bytes]), {
    headers: own,
  }) as unknown as IncomingMessage;
}

const read = (body: string | Buffer, headers?: Record<string, string>) => readJsonBody(requestOf(body, headers), LIMIT);
const deep = (levels: number) => `{"a":${"[".repeat(levels)}${"]".repeat(levels)}}`;

describe("JSON body", () => {
  test("reads an object", async () => {
    await expect(read('{"a":1,"b":{"c":["ü","\\u00fc"]}}')).resolves.toEqual({ a: 1, b: { c: ["ü", "ü"] } });
  });

  test("a missing body is an empty object", async () => {
    await expect(read("")).resolves.toEqual({});
  });

  test.each([
    "text/plain",
    "application/x-www-form-urlencoded",
    "application/json; charset=latin1",
    "application/jsonx",
    "",
  ])("other content types are 415: %s", async (type) => {
    await expect(read("{}", { "content-type": type })).rejects.toMatchObject({ type: "unsupported_media_type" });
  });

  test.each(["application/json", "application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"'])(
    "accepts JSON as %s",
    async (type) => {
      await expect(read("{}", { "content-type": type })).resolves.toEqual({});
    },
  );

  test("a compressed body is 415", async () => {
    await expect(read("{}", { "content-encoding": "gzip" })).rejects.toMatchObject({ type: "unsupported_media_type" });
  });

  test("a body over the limit is 413, whatever its Content-Length says", async () => {
    const large = JSON.stringify({ a: "x".repeat(LIMIT) });
    await expect(read(large)).rejects.toMatchObject({ type: "payload_too_large" });
    await expect(read(large, { "content-length": "10" })).rejects.toMatchObject({ type: "payload_too_large" });
  });

  test.each([
    ["malformed", '{"a":'],
    ["a list", "[]"],
    ["a number", "1"],
    ["null", "null"],
    ["a string", '"a"'],
    ["two values", "{}{}"],
    ["a comment", "{/**/}"],
    ["an unterminated string", '{"a":"'],
    ["a NUL byte", '{"a":"\u0000"}'],
    ["invalid UTF-8", Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
    ["20,000 levels", deep(20_000)],
    ["21 levels", deep(20)],
    ["a duplicate name", '{"a":1,"a":2}'],
    ["a duplicate name, once with an escape", '{"role":1,"r\\u006fle":2}'],
    ["a nested duplicate name", '{"a":[{"b":1,"b":2}]}'],
  ])("%s is 400", async (_, body) => {
    await expect(read(body)).rejects.toMatchObject({ type: "invalid_json", status: 400 });
  });

  test.each([
    ["__proto__", '{"__proto__":{"role":"admin"}}', "__proto__"],
    ["constructor", '{"constructor":{}}', "constructor"],
    ["__proto__ with an escape", '{"\\u005f_proto__":{}}', "__proto__"],
    ["a nested __proto__", '{"preferences":{"__proto__":{}}}', "preferences.__proto__"],
  ])("%s is an unknown field", async (_, body, field) => {
    await expect(read(body)).rejects.toMatchObject({
      type: "validation_failed",
      data: { errors: [{ field, code: "unknown_field" }] },
    });
  });

  test("a number that overflows is refused: the bus would turn it into null, which clears a field", async () => {
    await expect(read('{"a":{"b":-1e999}}')).rejects.toMatchObject({
      data: { errors: [{ field: "a.b", code: "invalid_number" }] },
    });
  });

  test("a lone surrogate is refused: the bus would change it", async () => {
    await expect(read('{"password":"\\ud800"}')).rejects.toMatchObject({
      data: { errors: [{ field: "password", code: "invalid_characters" }] },
    });
    await expect(read('{"a":"\\ud83d\\ude00"}')).resolves.toEqual({ a: "😀" });
  });

  test("accepts what JSON.stringify writes", () => {
    const value = fc.jsonValue({ maxDepth: 5, noUnicodeString: false });
    const isForbidden = (text: string) => /__proto__|constructor|prototype/.test(text);
    fc.assert(
      fc.property(value, (one) => {
        const text = JSON.stringify(one);
        if (!isForbidden(text)) scanJson(text);
      }),
    );
  });

  test("reads an unterminated string of escapes in linear time", () => {
    const text = `"${'\\"'.repeat(500_000)}`;
    expect(() => scanJson(text)).toThrow(expect.objectContaining({ type: "invalid_json" }));
  });

  test("any other text fails with an AppError, or passes to JSON.parse", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("{", "}", "[", "]", '"', ",", ":", "\\", "1", "-", "e", "a", " ") }),
        (text) => {
          try {
            scanJson(text);
          } catch (error) {
            expect(error).toHaveProperty("name", "AppError");
          }
        },
      ),
    );
  });
});
