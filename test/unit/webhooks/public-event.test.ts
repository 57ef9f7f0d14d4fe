import { describe, expect, test } from "@jest/globals";
import { publicEventTypes } from "../../../lib/contracts/public-events.contract.ts";
import { eventTypes, type MeshEvent } from "../../../lib/events/events.ts";
import { publicEvent } from "../../../lib/events/public-events.ts";

const id = "0198f7a2-6a3c-7cc1-a2f4-3b1c9d0e5f60";
const secret = "must-not-leave";
const eventOf = (event_type: MeshEvent["event_type"]): MeshEvent => ({
  ...{ event_id: id, event_type, source: "users", version: 3, schema_version: 1, user_id: id, tenant_id: id },
  ...{ timestamp: "2026-11-20T12:00:00.000Z", correlation_id: secret, actor_id: id, actor: `operator:${secret}` },
  ...{ email: secret, name: secret, ip: secret, languages: [secret], traceparent: secret, replay: secret },
  ...(event_type === "session.revoked" ? {} : { reason: secret }),
  ...{ invented_later: secret, updated_fields: ["full_name"], imported: true },
});

describe("the body of a webhook", () => {
  test("has type, time and the public fields", () => {
    expect(publicEvent(eventOf("user.updated"))).toEqual({
      type: "user.updated",
      timestamp: "2026-11-20T12:00:00.000Z",
      data: {
        ...{ user_id: id, tenant_id: id, source: "users", version: 3, actor_id: id },
        updated_fields: ["full_name"],
      },
    });
  });

  test.each(publicEventTypes)("of %s has no private field, nor one that was added later", (type) => {
    expect(JSON.stringify(publicEvent(eventOf(type)))).not.toContain(secret);
  });

  test("exists for every event but those about webhooks", () => {
    expect([...publicEventTypes, "webhook.changed"].toSorted()).toEqual([...eventTypes].toSorted());
  });
});
