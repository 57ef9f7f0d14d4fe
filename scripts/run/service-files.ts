import type { ServiceSchema } from "moleculer";
import { ConfigError } from "../../lib/config/config.ts";
import type { Platform } from "../../lib/runtime/platform.ts";

type Factory = (platform: Platform) => ServiceSchema;

/**
 * Everything a process can run, by its name in SERVICES. Each is loaded only where it runs. The gateway is last, since it
 * needs the others.
 */
export const serviceFiles: Readonly<Record<string, () => Promise<{ readonly default: Factory }>>> = {
  admin: () => import("../../services/admin/admin.service.ts"),
  auth: () => import("../../services/auth/auth.service.ts"),
  mail: () => import("../../services/mail/mail.service.ts"),
  preferences: () => import("../../services/preferences/preferences.service.ts"),
  sessions: () => import("../../services/sessions/sessions.service.ts"),
  users: () => import("../../services/users/users.service.ts"),
  webhooks: () => import("../../services/webhooks/webhooks.service.ts"),
  "worker-mail": () => import("../../workers/mail.worker.ts"),
  "worker-maintenance": () => import("../../workers/maintenance.worker.ts"),
  "worker-pictures": () => import("../../workers/pictures.worker.ts"),
  "worker-push": () => import("../../workers/push.worker.ts"),
  "worker-webhooks": () => import("../../workers/webhooks.worker.ts"),
  gateway: () => import("../../services/gateway/gateway.service.ts"),
};

/** The names in SERVICES, or all if it is empty. Throws on an unknown name. */
export function selectServices(wanted: readonly string[]): readonly string[] {
  const known = Object.keys(serviceFiles);
  if (wanted.length === 0) return known;
  const unknown = wanted.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new ConfigError([`SERVICES has an unknown name: ${unknown.join(", ")}. Known are ${known.join(", ")}.`]);
  return known.filter((name) => wanted.includes(name));
}

export async function loadService(name: string, platform: Platform): Promise<ServiceSchema> {
  const load = serviceFiles[name];
  if (load === undefined) throw new Error(`Unknown service ${name}`);
  return inStartOrder((await load()).default(platform));
}

/** Moleculer 0.15.2 starts the last mixin first and stops it last. Ours are listed in the order of their start: the database, then what needs it. */
function inStartOrder(schema: ServiceSchema): ServiceSchema {
  return { ...schema, mixins: (schema.mixins ?? []).toReversed() };
}
