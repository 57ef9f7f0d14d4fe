import type { PeerCertificate, ConnectionOptions as TlsOptions } from "node:tls";
import { describe, expect, test } from "@jest/globals";
import { natsOptions } from "../../lib/runtime/nats-options.ts";

describe("NATS_URL", () => {
  test("may list several servers, with credentials in one of them", () => {
    expect(natsOptions("nats://a:4223, nats://me:pass@b")).toMatchObject({
      servers: ["a:4223", "b:4222"],
      user: "me",
      pass: "pass",
    });
  });

  test("percent-encoding in user and password is decoded", () => {
    expect(natsOptions("nats://m%40e:p%40ss%2Fw@a")).toMatchObject({ user: "m@e", pass: "p@ss/w" });
  });

  test("a user without password is a token", () => {
    expect(natsOptions("nats://s3cret@a")).toMatchObject({ token: "s3cret" });
  });

  test("with an IP address, accepts a certificate of that address but not one of localhost, which Node would", () => {
    const check = (url: string, name: string, subjectaltname: string) => {
      const { tls } = natsOptions(url) as { tls?: TlsOptions };
      const certificate = { subject: { CN: "" }, subjectaltname } as unknown as PeerCertificate;
      return tls?.checkServerIdentity?.(name, certificate)?.message ?? "taken";
    };
    expect(check("tls://10.0.0.7", "localhost", "IP Address:10.0.0.7")).toBe("taken");
    expect(check("tls://[::1]", "localhost", "IP Address:::1")).toBe("taken");
    expect(check("tls://10.0.0.7", "localhost", "DNS:localhost")).toMatch(/does not match/);
    expect(check("tls://10.0.0.7, tls://nats", "nats", "DNS:nats")).toBe("taken");
    expect(check("tls://nats", "nats", "DNS:other")).toMatch(/does not match/);
  });

  test("tls:// requires TLS, nats:// leaves it to the server", () => {
    expect(natsOptions("tls://a")).toHaveProperty("tls");
    expect(natsOptions("nats://a")).not.toHaveProperty("tls");
  });
});
