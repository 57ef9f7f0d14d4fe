import { readFileSync } from "node:fs";
import type { Actions } from "../../../lib/actions/typed-call.ts";
import { type Config, ConfigError } from "../../../lib/config/config.ts";

export type TenantBrand = Actions["users.tenantBrand"]["result"];

/** The brand that a mail shows: of the tenant or of the installation. */
export interface MailBrand {
  readonly name: string;
  /** As `#rrggbb`. */
  readonly color: string;
  /** A PNG. Mail programs show no SVG. */
  readonly logo: Buffer | null;
}

/** The tenant's brand, completed from the installation's. A tenant with its own name does not get the installation's logo. */
export function brandOfTenant(installation: MailBrand, tenant: TenantBrand): MailBrand {
  if (tenant === null) return installation;
  const { name, color, logo } = tenant;
  const ownLogo = logo === null ? null : Buffer.from(logo.png, "base64");
  return {
    name: name ?? installation.name,
    color: color ?? installation.color,
    logo: ownLogo ?? (name === null ? installation.logo : null),
  };
}

/** The brand of the installation. Throws a ConfigError if its logo cannot be read. */
export function readInstallationBrand({ name, color, logo }: Config["brand"]): MailBrand {
  if (logo === undefined || !logo.toLowerCase().endsWith(".png")) return { name, color, logo: null };
  const content = readLogo(logo);
  if (content.length > MAX_LOGO_BYTES)
    throw new ConfigError([`BRAND_LOGO is larger than ${MAX_LOGO_BYTES / 1_024} kB, too large to be in each mail.`]);
  return { name, color, logo: content };
}

const MAX_LOGO_BYTES = 128 * 1_024;

function readLogo(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new ConfigError([`BRAND_LOGO cannot be read: ${(error as Error).message}.`]);
  }
}
