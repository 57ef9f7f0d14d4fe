import { DEFAULT_TENANT_ID } from "../../../../lib/actions/caller.ts";
import { AppError } from "../../../../lib/actions/errors.ts";
import { Id, TenantSlug } from "../../../../lib/actions/schemas.ts";
import type { Actions, Call } from "../../../../lib/actions/typed-call.ts";
import { brandColors } from "../../../../lib/branding/brand-colors.ts";
import type { Config } from "../../../../lib/config/config.ts";
import type { Clock } from "../../../../lib/runtime/clock.ts";
import { createTtlCache } from "../../../../lib/runtime/ttl-cache.ts";
import type { SessionCookies } from "../../auth/session-cookies.ts";
import type { Handler, RequestContext } from "../../http/request-context.ts";
import { readQuery } from "../../http/target.ts";

/** The brand that a page shows. */
export interface PageBrand {
  readonly name: string;
  /** Colour of the tenant, as `#rrggbb`; null for the colour of the installation. */
  readonly color: string | null;
  /** Path of the logo. */
  readonly logo: string;
}

interface PageBrandDeps {
  readonly call: Call;
  readonly clock: Clock;
  readonly config: Pick<Config, "brand">;
  readonly cookies: Pick<SessionCookies, "tenantId">;
  /** Path of PUBLIC_URL: "" or "/auth". */
  readonly base: string;
}

const TTL_MS = 30_000;
/** After this time a page is sent with the brand of the installation. */
const TIMEOUT_MS = 1_000;

type TenantBrand = Actions["users.tenantBrand"];

/** Finds the brand of the tenant that the link names, or else of the tenant that the reader is signed in to. */
export function createPageBrands({ call, clock, config, cookies, base }: PageBrandDeps) {
  const cache = createTtlCache<{ readonly brand: TenantBrand["result"] }>(clock, { ttlMs: TTL_MS });
  const read = async (tenant: TenantBrand["params"], key = "id" in tenant ? tenant.id : tenant.slug) => {
    const load = async () => ({ brand: await call("users.tenantBrand", tenant, { timeout: TIMEOUT_MS }) });
    return (await cache.read(key, load)).brand;
  };
  const installation: PageBrand = { name: config.brand.name, color: null, logo: `${base}/favicon.svg` };
  const brandOf = async (context: Pick<RequestContext, "request" | "query">): Promise<PageBrand> => {
    const tenant = tenantOf(context, cookies);
    // Pages must work while the other services are unavailable.
    const brand = tenant && (await read(tenant).catch(() => null));
    if (!brand) return installation;
    const logo = brand.logo ? `${base}/brand/${brand.slug ?? "default"}-${brand.logo.hash}.png` : installation.logo;
    return { name: brand.name ?? installation.name, color: brand.color, logo };
  };
  return {
    brandOf,
    /** Serves `/brand/<slug>-<hash>.png`. */
    logo: (async (_, { logo = "" }) => {
      const [, slug = "", hash] = /^(.+)-([0-9a-f]{16})\.png$/.exec(logo) ?? [];
      // Under its own key: the brand that was cached before an upload does not have the new logo.
      const found = (await read({ slug }, logo))?.logo;
      if (!found || found.hash !== hash) throw new AppError("not_found");
      return { ...image, body: Buffer.from(found.png, "base64") };
    }) satisfies Handler,
    /** Serves `/brand/colors/<rrggbb>.css`. The colour is in the path, so that any gateway can serve it. */
    colors: ((_, { color = "" }) => {
      const { light, onLight, dark, onDark } = brandColors(`#${color.slice(0, 6)}`);
      const body = `:root { --accent: light-dark(${light}, ${dark}); --on-accent: light-dark(${onLight}, ${onDark}) }\n`;
      return { status: 200, contentType: "text/css; charset=utf-8", body, cacheControl: "public, max-age=86400" };
    }) satisfies Handler,
  };
}

const image = {
  status: 200,
  contentType: "image/png",
  cacheControl: "public, max-age=86400, immutable",
  contentSecurityPolicy: "sandbox; default-src 'none'",
} as const;

function tenantOf(
  { request, query }: Pick<RequestContext, "request" | "query">,
  cookies: PageBrandDeps["cookies"],
): TenantBrand["params"] | null {
  const slug = TenantSlug.safeParse(readQuery(query, ["tenant"]).tenant);
  if (slug.success) return { slug: slug.data };
  const id = Id.safeParse(cookies.tenantId(request));
  return id.success && id.data !== DEFAULT_TENANT_ID ? { id: id.data } : null;
}
