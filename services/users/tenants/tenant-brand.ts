import { createHash } from "node:crypto";
import { DEFAULT_TENANT_ID } from "../../../lib/actions/caller.ts";
import { fieldError } from "../../../lib/actions/errors.ts";
import type { Actions } from "../../../lib/actions/typed-call.ts";
import type { UsersDeps } from "../core/users.deps.ts";
import { findLogo, findTenant } from "./tenants.repo.ts";

type Brand = Actions["users.tenantBrand"];

export async function getTenantBrand({ db }: Pick<UsersDeps, "db">, tenant: Brand["params"]): Promise<Brand["result"]> {
  const row = await findTenant(db, tenant);
  if (!row) return null;
  const png = row.logo_hash === null ? undefined : await findLogo(db, row.id);
  return {
    slug: row.id === DEFAULT_TENANT_ID ? null : row.slug,
    name: row.settings.brand_name ?? null,
    color: row.settings.brand_color ?? null,
    logo: png && row.logo_hash !== null ? { hash: row.logo_hash, png: png.toString("base64") } : null,
  };
}

export interface Logo {
  readonly png: Buffer;
  readonly hash: string;
}

/** The signature of a PNG file (RFC 2083 section 3.1). */
const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const MAX_PIXELS = 512;

/** Throws 422 unless it is a square PNG. The header is enough, because only browsers and mail programs decode the image. */
export function readLogo(base64: string): Logo {
  const png = Buffer.from(base64, "base64");
  const isPng = png.length > 33 && png.subarray(0, 8).equals(SIGNATURE) && png.toString("latin1", 12, 16) === "IHDR";
  if (!isPng) throw fieldError("logo", "not_a_png", "must be a PNG in base64");
  const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)];
  if (width !== height || width === 0 || width > MAX_PIXELS)
    throw fieldError("logo", "not_square", `must be square, with at most ${MAX_PIXELS} pixels a side`);
  return { png, hash: createHash("sha256").update(png).digest("hex").slice(0, 16) };
}
