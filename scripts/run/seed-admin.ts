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
  /** The command that prints a new one, if this one was shown earlier. */
  readonly reset?: string;
}

/**
 * Creates the first administrator if there is none. A generated password is stored only as its hash. An account that exists
 * is never made one: anyone could have registered or imported it.
 */
export async function seedAdmin(broker: ServiceBroker, { admin }: Config): Promise<AdminAccount> {
  const { email, password = generatePassword() } = admin;
  const call = callAsService(broker, "seed", newId(systemClock));
  const { created, is_administrator, has_administrator } = await call("auth.seedAdmin", { email, password });
  if (!has_administrator) throw new Error(noAdministrator(email));
  if (!is_administrator) return { email: "see `npm run admin`", password: `${email} is not an administrator` };
  if (admin.password !== undefined)
    return { email, password: created ? "from ADMIN_PASSWORD" : "from ADMIN_PASSWORD, unless changed since" };
  if (created) return { email, password: `${password} (shown only once)` };
  const reset = `npx usermesh admin reset-password ${email}`;
  return { email, password: "shown at the first start; for a new one:", reset };
}

function noAdministrator(email: string): string {
  return `There is no administrator: the account ${email} (ADMIN_EMAIL) exists and is not one.
It was registered or imported, or lost the role, so it is not made one by itself.
Set ADMIN_EMAIL to another address, or run one of these commands:
  npm run admin -- create <another email>
  npm run admin -- grant ${email}     if you know whose account it is`;
}

/** 120 random bits, in a form that every password policy accepts. */
export function generatePassword(): string {
  return `Um1-${randomBytes(15).toString("base64url")}`;
}
