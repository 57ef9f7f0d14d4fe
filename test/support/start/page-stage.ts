import { findFreePort } from "../../../scripts/local-servers/ports.ts";
import { type OidcProvider, startOidcProvider } from "../fakes/oidc-provider.ts";
import { type RefusingSmtp, startRefusingSmtp } from "../fakes/refusing-smtp.ts";
import { startWebhookReceiver, type WebhookReceiver } from "../fakes/webhook-receiver.ts";

/** What Usermesh talks to while people use its pages. */
export interface PageServers {
  /** Environment of an installation that uses these servers, with rate limits. */
  readonly env: Readonly<Record<string, string>>;
  readonly smtp: RefusingSmtp;
  readonly provider: OidcProvider;
  readonly receiver: WebhookReceiver;
  stop(): Promise<void>;
}

/** `host`: the host name in PUBLIC_URL. */
export async function startPageServers(host: "localhost" | "127.0.0.1"): Promise<PageServers> {
  await using started = new AsyncDisposableStack();
  const port = String(await findFreePort());
  const publicUrl = `http://${host}:${port}`;
  const smtp = await startRefusingSmtp();
  started.defer(smtp.stop);
  smtp.refuses = false;
  const receiver = await startWebhookReceiver();
  started.defer(receiver.stop);
  const provider = await startOidcProvider(`${publicUrl}/api/v1/auth/oauth/company/callback`);
  started.defer(provider.stop);
  const parts = started.move();
  return {
    ...{ smtp, provider, receiver },
    env: {
      ...smtp.env,
      APP_PORT: port,
      PUBLIC_URL: publicUrl,
      RATE_LIMIT_ENABLED: "true",
      WEBHOOK_ALLOW_PRIVATE_ADDRESSES: "true",
      OAUTH_COMPANY_ISSUER: provider.issuer,
      OAUTH_COMPANY_CLIENT_ID: "usermesh",
      OAUTH_COMPANY_CLIENT_SECRET: "usermesh-secret",
    },
    stop: () => parts.disposeAsync(),
  };
}
