import type { Purpose } from "../crypto/key-ring.ts";

interface ServiceNeeds {
  /** Has tables, which it reaches under a database role of its own. */
  readonly database: boolean;
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
  admin: { database: true, keys: [], secrets: [] },
  // "data" sealed the signing keys before they had a purpose of their own.
  auth: { database: true, keys: ["password", "otp", "signing", "data", "device"], secrets: ["ADMIN_PASSWORD"] },
  gateway: { database: false, keys: ["csrf", "idempotency"], secrets: ["SERVICE_CREDENTIALS"] },
  mail: { database: true, keys: [], secrets: ["SMTP_PASSWORD", "PUSH_SECRET"] },
  preferences: { database: true, keys: [], secrets: [] },
  sessions: { database: true, keys: ["refresh"], secrets: [] },
  users: { database: true, keys: ["data"], secrets: [] },
  webhooks: { database: true, keys: ["webhook"], secrets: [] },
  "worker-mail": { database: false, keys: [], secrets: [] },
  "worker-maintenance": { database: false, keys: [], secrets: [] },
  "worker-push": { database: false, keys: [], secrets: [] },
  "worker-webhooks": { database: false, keys: [], secrets: [] },
};

/** Of the services of a process; all if `services` is empty. */
export function needsOf(services: readonly string[]): ServiceNeeds {
  const needs = Object.entries(serviceNeeds).filter(([name]) => services.length === 0 || services.includes(name));
  return {
    database: needs.some(([, one]) => one.database),
    keys: [...new Set(needs.flatMap(([, one]) => one.keys))],
    secrets: needs.flatMap(([, one]) => one.secrets),
  };
}
