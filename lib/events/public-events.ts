import { type PublicEventType, publicEnvelope, publicEventFields } from "../contracts/public-events.contract.ts";
import type { EventType, MeshEvent } from "./events.ts";

/** Webhooks report what happens to accounts and tenants, not what happens to webhooks. */
const fieldsByType: Readonly<Record<Exclude<EventType, "webhook.changed">, readonly string[]>> = publicEventFields;

/** The body of a webhook, in the form that Standard Webhooks recommends, without the private fields of the event. */
export function publicEvent(event: MeshEvent) {
  const allowed = new Set<string>([...publicEnvelope, ...fieldsByType[event.event_type as PublicEventType]]);
  return {
    type: event.event_type,
    timestamp: event.timestamp,
    data: Object.fromEntries(Object.entries(event).filter(([name]) => allowed.has(name))),
  };
}
