import { describe, expect, test } from "@jest/globals";
import { withCorrelation } from "../../lib/actions/correlation.ts";
import { createLog } from "../../lib/observability/log.ts";
import { redactText } from "../../lib/observability/redaction.ts";

const level = "info";

function logged(write: (log: ReturnType<typeof createLog>) => void, pretty = false): string {
  const lines: string[] = [];
  write(createLog({ level, file: undefined, pretty }, { write: (line) => void lines.push(line) }));
  return lines.join("");
}

describe("the log's redaction", () => {
  test.each([
    [{ password: "s3cret" }],
    [{ body: { new_password: "s3cret" } }],
    [{ deep: { er: { still: { refresh_token: "s3cret" } } } }],
    [{ headers: { Authorization: "s3cret", cookie: "s3cret", "set-cookie": ["s3cret"] } }],
    [{ clientSecret: "s3cret" }],
    [{ list: [{ accessToken: "s3cret" }] }],
    [{ url: "nats://user:s3cret@host:4222" }],
    [{ note: "Authorization: Bearer s3cret-token" }],
    [{ email: "s3cret" }],
    [{ text: "no such user s3cret@example.com here" }],
    [{ path: `/api/reset-password/v1.k1.0198f7a2-6a3c-7cc1-a2f4-3b1c9d0e5f60.s3cret${"x".repeat(37)}` }],
    [{ note: `refused v1.k1.0198f7a2-6a3c-7cc1-a2f4-3b1c9d0e5f60.7.s3cret${"x".repeat(37)}` }],
    [{ err: new Error("login postgres://me:s3cret@db/x failed") }],
    [{ err: new Error("outer", { cause: new Error("for s3cret@example.com") }) }],
    [{ err: Object.assign(new Error("query failed"), { parameters: ["s3cret"] }) }],
  ])("%j tells no secret", (fields) => {
    expect(logged((log) => log.warn(fields, "x"))).not.toContain("s3cret");
  });

  test("removes secrets from messages", () => {
    expect(logged((log) => log.info("connecting to redis://:s3cret@host"))).not.toContain("s3cret");
  });

  // Quadratic time would be minutes for texts of this length.
  test.each([
    ["a path of words", "a."],
    ["schemes", "a:/"],
    ["schemes that never end", "a://"],
    ["beginnings of tokens", "-eyJ"],
    ["halves of tokens", "eyJa.eyJ "],
    ["own tokens", "v1.k1."],
    ["addresses", "a@"],
    ["a domain of digits", "@1."],
    ["a long local part", "@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"],
    ["words before credentials", "Bearer "],
  ])("takes time linear in %s", (_, part) => {
    const text = part.repeat(Math.ceil(400_000 / part.length));
    const started = performance.now();
    redactText(`@${text}`);
    redactText(text);
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  test("keeps ids, flags and counts", () => {
    const line = JSON.parse(
      logged((log) => log.info({ user_id: "u1", token_id: "t1", email_verified: true, tokens: 3 }, "hello")),
    );
    expect(line).toMatchObject({
      level: "info",
      msg: "hello",
      user_id: "u1",
      token_id: "t1",
      email_verified: true,
      tokens: 3,
    });
  });

  test("adds the correlation id of the request", async () => {
    const text = await withCorrelation("c-1", async () => {
      await Promise.resolve();
      return logged((log) => log.info("x"));
    });
    expect(JSON.parse(text).correlation_id).toBe("c-1");
  });

  test("prefers an entry's own correlation id", () => {
    const text = withCorrelation("around", () => logged((log) => log.info({ correlation_id: "own" }, "x")));
    expect(text.match(/correlation_id/g)).toHaveLength(1);
    expect(JSON.parse(text).correlation_id).toBe("own");
  });

  test("LOG_PRETTY prints time, level, message and fields on one line", () => {
    expect(logged((log) => log.warn({ port: 3000, password: "s3cret" }, "hello"), true)).toMatch(
      /^\[\d\d:\d\d:\d\d\.\d{3}\] WARN: hello \{"port":3000,"password":"\[redacted\]"\}\n$/,
    );
  });
});
