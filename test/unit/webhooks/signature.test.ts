import { createHmac } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import { Webhook } from "standardwebhooks";
import { systemRandom } from "../../../lib/runtime/clock.ts";
import { newSecret } from "../../../services/webhooks/endpoints/endpoint-secret.ts";
import { signatureHeaders } from "../../../services/webhooks/sending/signature.ts";

const secretOf = (bytes: number) =>
  Buffer.from(newSecret(systemRandom).slice("whsec_".length), "base64").length === bytes;

/** The example that the reference implementations of Standard Webhooks test with. */
const vector = {
  secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
  id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
  at: new Date(1_614_265_330_000),
  body: '{"test": 2432232314}',
  signature: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
};

describe("the signature of a message", () => {
  test("is that of the standard's example", () => {
    const { secret, signature, ...message } = vector;
    expect(signatureHeaders({ ...message, secrets: [secret] })).toEqual({
      "webhook-id": vector.id,
      "webhook-timestamp": "1614265330",
      "webhook-signature": signature,
    });
  });

  test("is the HMAC of id, time and body, for every character that a body may contain", () => {
    const secret = newSecret(systemRandom);
    const body = JSON.stringify({ name: "Zoë 👩‍🚀\u2028", "a.b": "…" });
    const at = new Date("2026-11-20T12:00:00.900Z");
    const key = Buffer.from(secret.slice("whsec_".length), "base64");
    const mac = createHmac("sha256", key).update(`id.1795176000.${body}`).digest("base64");
    expect(signatureHeaders({ id: "id", at, body, secrets: [secret] })["webhook-signature"]).toBe(`v1,${mac}`);
  });

  test("is made with both secrets of a rotation, and either receiver accepts it", () => {
    const [next, previous] = [newSecret(systemRandom), newSecret(systemRandom)];
    const body = '{"type":"user.created"}';
    const headers = signatureHeaders({ id: "id", at: new Date(), body, secrets: [next, previous] });
    expect(headers["webhook-signature"].split(" ")).toHaveLength(2);
    for (const secret of [next, previous])
      expect(new Webhook(secret).verify(body, headers)).toEqual({ type: "user.created" });
    expect(() => new Webhook(newSecret(systemRandom)).verify(body, headers)).toThrow("No matching signature");
  });
});

test("a new secret has 32 random bytes behind its prefix", () => {
  expect(secretOf(32)).toBe(true);
  expect(newSecret(systemRandom)).not.toBe(newSecret(systemRandom));
});
