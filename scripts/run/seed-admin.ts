import { randomBytes } from "node:crypto";
import type { ServiceBroker } from "moleculer";
import { callAsService } from "../../lib/actions/typed-call.ts";
import type { Config } from "../../lib/config/config.ts";
import { systemClock } from "../../lib/runtime/clock.ts";
import { newId } from "../../lib/runtime/ids.ts";

/** Makes the first administrator where there is none, and says how to sign in as one. A password made here is kept nowhere. */
export async function seedAdmin(broker: ServiceBroker, { admin }: Config): Promise<string> {
  const password = admin.password ?? generatedPassword();
  const call = callAsService(broker, "seed", newId(systemClock));
  const { created } = await call("auth.seedAdmin", { email: admin.email, password });
  if (admin.password !== undefined)
    return `${admin.email}, password as ADMIN_PASSWORD says${created ? "" : " (or as changed since)"}`;
  return created
    ? `${admin.email}, password ${password}   (shown this once)`
    : `${admin.email}, password as shown at the first start`;
}

/** 120 random bits, and what every password policy asks for. */
function generatedPassword(): string {
  return `Um1-${randomBytes(15).toString("base64url")}`;
}
