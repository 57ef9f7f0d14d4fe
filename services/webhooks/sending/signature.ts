import { Webhook } from "standardwebhooks";

interface SignedMessage {
  readonly id: string;
  readonly at: Date;
  readonly body: string;
  /** More than one while a rotated secret still signs. */
  readonly secrets: readonly string[];
}

/** The headers of Standard Webhooks: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md */
export function signatureHeaders({ id, at, body, secrets }: SignedMessage) {
  return {
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(at.getTime() / 1_000)),
    "webhook-signature": secrets.map((secret) => new Webhook(secret).sign(id, at, body)).join(" "),
  };
}
