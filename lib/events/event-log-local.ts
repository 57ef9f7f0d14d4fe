import type { EventConsumer, EventLog } from "../runtime/platform.ts";
import { type MeshEvent, streamOf } from "./events.ts";

interface Registration {
  readonly consumer: EventConsumer;
  stopped: boolean;
}

/**
 * The event log of a mesh in one process. Only the outbox is durable: an event counts as published once every consumer
 * has handled it, and is published again until then. A consumer that has stopped rejects its events; otherwise a service
 * that stops a moment before the relay would lose them.
 */
export function openLocalLog(): EventLog {
  const registrations = new Map<string, Registration>();
  let closed = false;
  return {
    embedded: true,
    async publish(event) {
      if (closed) throw new Error("The event log is closed");
      const outcomes = await Promise.allSettled(
        registrationsFor(event, registrations).map((registration) => deliver(registration, event)),
      );
      const failed = outcomes.find((outcome) => outcome.status === "rejected");
      if (failed) throw failed.reason;
    },
    async consume(consumer) {
      const registration: Registration = { consumer, stopped: false };
      registrations.set(consumer.name, registration);
      return async () => {
        registration.stopped = true;
      };
    },
    // Handled events are not stored.
    purgeUser: async () => true,
    consumers: async () => [],
    streamId: async () => null,
    pending: async () => [],
    isUp: async () => true,
    async close() {
      closed = true;
    },
  };
}

function registrationsFor(event: MeshEvent, registrations: ReadonlyMap<string, Registration>): Registration[] {
  const stream = streamOf(event.event_type);
  return [...registrations.values()].filter(
    ({ consumer }) => consumer.stream === stream && consumer.types.includes(event.event_type),
  );
}

async function deliver({ consumer, stopped }: Registration, event: MeshEvent): Promise<void> {
  if (stopped) throw new Error(`The consumer ${consumer.name} has stopped`);
  // A copy, as across the bus: one handler must not see the changes another makes to the event.
  await consumer.handle(structuredClone(event));
}
