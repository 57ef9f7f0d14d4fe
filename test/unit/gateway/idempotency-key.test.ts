import { describe, expect, test } from "@jest/globals";
import type { Caller, UserCaller } from "../../../lib/actions/caller.ts";
import { parseKeyRing } from "../../../lib/crypto/key-ring.ts";
import { createIdempotencyRequest, readIdempotencyKey } from "../../../services/gateway/api/idempotency-key.ts";

const ring = parseKeyRing(`k2:${"b".repeat(32)},k1:${"a".repeat(32)}`);
const user = { kind: "user", user_id: "u1", tenant_id: "t1" } as UserCaller;
const request = {
  caller: user as Caller,
  ip: "1.2.3.4",
  method: "PUT",
  path: "/api/v1/users/me",
  action: "users.updateMe",
  body: { a: 1, b: 2 },
};
const of = (change: Partial<typeof request> = {}) => createIdempotencyRequest(ring, "key", { ...request, ...change });

describe("idempotency key", () => {
  test.each([
    { caller: { ...user, user_id: "u2" } },
    { caller: { ...user, tenant_id: "t2" } },
    { caller: { kind: "anonymous", tenant: "t1" } as Caller },
    { method: "PATCH" },
    { path: "/api/v1/users/me/profile" },
  ])("a different %j is a different scope", (change) => {
    expect(of(change).scope).not.toBe(of().scope);
  });

  test("the scope of a user is independent of their address; that of an anonymous caller contains it as a hash", () => {
    expect(of({ ip: "9.9.9.9" }).scope).toBe(of().scope);
    const caller: Caller = { kind: "anonymous", tenant: "default" };
    expect(of({ caller, ip: "9.9.9.9" }).scope).not.toBe(of({ caller }).scope);
    expect(of({ caller }).scope).not.toContain("1.2.3.4");
  });

  test("the body is compared by content, under every key of the ring", () => {
    expect(of({ body: { b: 2, a: 1 } }).body).toEqual(of().body);
    expect(of({ body: { a: 1, b: 3 } }).body).not.toEqual(of().body);
    expect(of().body.map((one) => one.kid)).toEqual(["k2", "k1"]);
  });

  test.each(["", " ", "a b", "ü", "x".repeat(256)])("%j is not a valid key", (header) => {
    expect(() => readIdempotencyKey(header)).toThrow(expect.objectContaining({ type: "bad_request" }));
  });

  test("without the header there is no key", () => {
    expect([readIdempotencyKey(undefined), readIdempotencyKey("!~")]).toEqual([null, "!~"]);
  });
});
