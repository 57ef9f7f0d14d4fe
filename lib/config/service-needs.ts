import type { Purpose } from "../crypto/key-ring.ts";

interface ServiceNeeds {
  /** Has tables, which it reaches under a database role of its own. */
  readonly database: boolean;
  /** Adds jobs to queues or works on them. Other processes do not load BullMQ, which takes 20 MB. */
  readonly queues: boolean;
  /** The purposes whose derived keys it uses. */
  readonly keys: readonly Purpose[];
  /** Secret variables that no other service uses. */
  readonly secrets: readonly string[];
}

/**
 * What each service can't run without. `npm run secrets` and `npm run mesh` give each process this and nothing else, so
 * that who takes over one process has the secrets of one service.
 */
export const serviceNeeds: Readonly<Record<string, ServiceNeeds>> = {
  admin: { database: true, queues: true, keys: [], secrets: [] },
  // "data" sealed the signing keys before they had a purpose of their own.
  auth: {
    database: true,
    queues: true,
    keys: ["password", "otp", "signing", "data", "device"],
    secrets: ["ADMIN_PASSWORD"],
  },
  gateway: { database: false, queues: false, keys: ["csrf", "idempotency"], secrets: ["SERVICE_CREDENTIALS"] },
  mail: { database: true, queues: true, keys: [], secrets: ["SMTP_PASSWORD", "PUSH_SECRET"] },
  preferences: { database: true, queues: false, keys: [], secrets: [] },
  sessions: { database: true, queues: false, keys: ["refresh"], secrets: [] },
  users: { database: true, queues: false, keys: ["data"], secrets: [] },
  webhooks: { database: true, queues: true, keys: ["webhook"], secrets: [] },
  "worker-mail": { database: false, queues: true, keys: [], secrets: [] },
  "worker-maintenance": { database: false, queues: true, keys: [], secrets: [] },
  "worker-pictures": { database: false, queues: true, keys: [], secrets: [] },
  "worker-push": { database: false, queues: true, keys: [], secrets: [] },
  "worker-webhooks": { database: false, queues: true, keys: [], secrets: [] },
};

/** Of the services of a process; all if `services` is empty. */
export function needsOf(services: readonly string[]): ServiceNeeds {
  const needs = Object.entries(serviceNeeds).filter(([name]) => services.length === 0 || services.includes(name));
  return {
    database: needs.some(([, one]) => one.database),
    queues: needs.some(([, one]) => one.queues),
    keys: [...new Set(needs.flatMap(([, one]) => one.keys))],
    secrets: needs.flatMap(([, one]) => one.secrets),
  };
}
