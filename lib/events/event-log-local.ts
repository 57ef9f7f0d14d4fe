import type { EventConsumer, EventLog } from "../runtime/platform.ts";
import type { MeshEvent } from "./events.ts";
import { streamOf } from "./events.ts";

interface Registration {
  readonly consumer: EventConsumer;
  stopped: boolean;
}

/**
 * The log of a mesh in one process. The outbox is what is durable: an event counts as published when every consumer has
 * handled it, and comes again until then. A consumer that was here and stopped holds its events back, else a service that
 * stops a moment before the relay would lose them.
 */
export function openLocalLog(): EventLog {
  const registrations = new Map<string, Registration>();
  let closed = false;
  return {
    embedded: true,
    async publish(event) {
      if (closed) throw new Error("The event log is closed");
      const outcomes = await Promise.allSettled(interestedIn(event, registrations).map((one) => deliver(one, event)));
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
    // What is handled is kept nowhere.
    purgeUser: async () => true,
    streamId: async () => null,
    async close() {
      closed = true;
    },
  };
}

function interestedIn(event: MeshEvent, registrations: ReadonlyMap<string, Registration>): Registration[] {
  const stream = streamOf(event.event_type);
  return [...registrations.values()].filter(
    ({ consumer }) => consumer.stream === stream && consumer.types.includes(event.event_type),
  );
}

async function deliver({ consumer, stopped }: Registration, event: MeshEvent): Promise<void> {
  if (stopped) throw new Error(`The consumer ${consumer.name} has stopped`);
  // A copy, as it would be across the bus: one handler's change must not reach another.
  await consumer.handle(structuredClone(event));
}
