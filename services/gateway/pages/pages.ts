import type { ServiceBroker } from "moleculer";
import type { Call } from "../../../lib/actions/typed-call.ts";
import type { Platform } from "../../../lib/runtime/platform.ts";
import type { AccessTokens } from "../auth/access-token.ts";
import { createOperatorGuard } from "../auth/operator-guard.ts";
import type { PublishedKeys } from "../auth/published-keys.ts";
import type { SessionCookies } from "../auth/session-cookies.ts";
import { basePath } from "../http/base-path.ts";
import type { Handler } from "../http/request-context.ts";
import type { PageName } from "../routes.types.ts";
import { createAppPages } from "./app/app-page-handlers.ts";
import { createErrorPage, type ErrorPage } from "./app/error-page.ts";
import { faviconPage } from "./app/favicon.ts";
import { homePage } from "./app/home-page.ts";
import { createPageBrands } from "./app/page-brands.ts";
import { assetPage } from "./assets/asset-page.ts";
import { createAssets } from "./assets/assets.ts";
import { avatarPage } from "./avatar.ts";
import { devMailPages } from "./dev-mail/dev-mail.ts";
import { changePasswordPage, homeJson, jwksPage, openApiPage, serverMetadataPage } from "./discovery.ts";
import { docsPages } from "./docs.ts";
import { databaseStatusPage, healthPage, livePage, readyPage } from "./health.ts";
import { createMeshHealth } from "./mesh-health.ts";
import { metricsPage } from "./metrics.ts";

interface PageDeps {
  readonly platform: Platform;
  readonly call: Call;
  readonly keys: PublishedKeys;
  readonly tokens: AccessTokens;
  readonly cookies: SessionCookies;
  inFlight(): number;
  readonly broker: ServiceBroker;
  isReady(): boolean;
  isRedisUp(): boolean;
}

interface Pages {
  readonly handlers: Readonly<Record<PageName, Handler>>;
  readonly errorPage: ErrorPage;
}

/** The responses that the gateway produces itself, by the name that they have in the table of routes. */
export function createPages(deps: PageDeps): Pages {
  const { platform, call, keys, cookies } = deps;
  const { config, clock } = platform;
  const guard = createOperatorGuard(config);
  const assets = createAssets();
  const base = basePath(config.http.publicUrl);
  const brands = createPageBrands({ call, clock, config, cookies, base });
  const documentation = docsPages({ assets, base });
  const app = createAppPages({ assets, config, base, brandOf: brands.brandOf });
  const buildAll = () => Promise.all([app.build(), documentation.build()]);
  const appPages = { mailbox: app.handlers.mailbox, samples: app.handlers.samples };
  const health = { ...deps, config, clock, guard, readMesh: createMeshHealth({ ...deps, config }) };
  const handlers = {
    home: homePage({ assets, config, base }, homeJson(base), platform.mailbox !== undefined),
    changePassword: changePasswordPage(base),
    health: healthPage(health),
    live: livePage,
    ready: readyPage(health),
    metrics: metricsPage({ ...deps, guard }),
    databaseStatus: databaseStatusPage(health),
    jwks: jwksPage(keys),
    serverMetadata: serverMetadataPage(config.http.publicUrl),
    openapi: openApiPage(config.http.publicUrl, "openapi"),
    compatibility: openApiPage(config.http.publicUrl, "compatibility"),
    docs: documentation.docs,
    redoc: documentation.redoc,
    avatar: avatarPage(call),
    asset: assetPage(assets, buildAll),
    tenantLogo: brands.logo,
    brandColors: brands.colors,
    favicon: faviconPage(config.brand),
    ...app.handlers,
    ...devMailPages({ mailbox: platform.mailbox, guard, call, pages: appPages }),
  };
  return { handlers, errorPage: createErrorPage({ assets, config, base }) };
}
