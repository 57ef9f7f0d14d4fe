import { describe, expect, test } from "@jest/globals";
import { natsOptions } from "../../lib/nats-options.ts";

describe("NATS_URL", () => {
  test("may name several servers, with credentials on one of them", () => {
    expect(natsOptions("nats://a:4223, nats://me:pass@b")).toMatchObject({
      servers: ["a:4223", "b:4222"],
      user: "me",
      pass: "pass",
    });
  });

  test("escapes in user and password are undone", () => {
    expect(natsOptions("nats://m%40e:p%40ss%2Fw@a")).toMatchObject({ user: "m@e", pass: "p@ss/w" });
  });

  test("a user alone is a token", () => {
    expect(natsOptions("nats://s3cret@a")).toMatchObject({ token: "s3cret" });
  });

  test("tls:// asks for TLS, nats:// leaves it to the server", () => {
    expect(natsOptions("tls://a").tls).toEqual({});
    expect(natsOptions("nats://a")).not.toHaveProperty("tls");
  });
});
