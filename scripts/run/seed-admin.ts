import { randomBytes } from "node:crypto";
import type { ServiceBroker } from "moleculer";
import { callAsService } from "../../lib/actions/typed-call.ts";
import type { Config } from "../../lib/config/config.ts";
import { systemClock } from "../../lib/runtime/clock.ts";
import { newId } from "../../lib/runtime/ids.ts";

export interface AdminAccount {
  readonly email: string;
  /** A generated password, or where to find it. */
  readonly password: string;
}

/** Creates the first administrator if there is none. A generated password is stored only as its hash. */
export async function seedAdmin(broker: ServiceBroker, { admin }: Config): Promise<AdminAccount> {
  const { email, password = generatePassword() } = admin;
  const call = callAsService(broker, "seed", newId(systemClock));
  const { created } = await call("auth.seedAdmin", { email, password });
  if (admin.password !== undefined)
    return { email, password: created ? "from ADMIN_PASSWORD" : "from ADMIN_PASSWORD, unless changed since" };
  return { email, password: created ? `${password} (shown only once)` : "shown at the first start" };
}

/** 120 random bits, in a form that every password policy accepts. */
function generatePassword(): string {
  return `Um1-${randomBytes(15).toString("base64url")}`;
}
