import type { Call } from "../../../lib/actions/typed-call.ts";
import type { Platform } from "../../../lib/runtime/platform.ts";
import type { AccessTokens } from "../auth/access-token.ts";
import { createOperatorGuard } from "../auth/operator-guard.ts";
import type { PublishedKeys } from "../auth/published-keys.ts";
import type { Handler } from "../http/request-context.ts";
import type { PageName } from "../routes.types.ts";
import { assetPage } from "./assets.ts";
import { avatarPage } from "./avatar.ts";
import { devMailPage } from "./dev-mailbox-page.ts";
import { homePage, jwksPage, openApiPage } from "./discovery.ts";
import { docsPage, redocPage } from "./docs.ts";
import { databaseStatusPage, healthPage, livePage, readyPage } from "./health.ts";
import { resetPasswordPage, verifyEmailPage } from "./mailed-links.ts";
import { metricsPage } from "./metrics.ts";

interface PageDeps {
  readonly platform: Platform;
  readonly call: Call;
  readonly keys: PublishedKeys;
  readonly tokens: AccessTokens;
  inFlight(): number;
  isReady(): boolean;
  isBusUp(): boolean;
  isRedisUp(): boolean;
}

/** The responses that the gateway produces itself, by the name that they have in the table of routes. */
export function createPages(deps: PageDeps): Readonly<Record<PageName, Handler>> {
  const { platform, call, keys } = deps;
  const { config, clock } = platform;
  const guard = createOperatorGuard(config);
  const health = { ...deps, config, clock, guard };
  return {
    home: homePage,
    health: healthPage(health),
    live: livePage,
    ready: readyPage(health),
    metrics: metricsPage({ ...deps, guard }),
    databaseStatus: databaseStatusPage(health),
    jwks: jwksPage(keys),
    openapi: openApiPage(config.http.publicUrl),
    docs: docsPage,
    redoc: redocPage,
    devMail: devMailPage(platform, guard),
    verifyEmail: verifyEmailPage,
    resetPassword: resetPasswordPage,
    avatar: avatarPage(call),
    asset: assetPage,
  };
}
