import { html } from "htm/preact";
import type { VNode } from "preact";
import { config, pathTo } from "../app/config.ts";
import { t } from "../app/messages.ts";
import { readReturnTo } from "../app/return-to.ts";
import { mayBeSignedIn } from "../app/session.ts";
import { ProviderMark, providerName } from "../components/provider.ts";

/** Buttons to sign in at a provider, above the form. The provider leads back to this page. */
export function Providers(): VNode | null {
  if (config.providers.length === 0) return null;
  return html`<div class="stack">
    <div class="stack-tight">
      ${config.providers.map(
        (
          name,
        ) => html`<a class="button button-secondary button-wide" href=${providerUrl(name)} onClick=${rememberReturnTo}>
        <${ProviderMark} name=${name} />${t("providers.continue", { provider: providerName(name) })}</a>`,
      )}
    </div>
    <p class="separator">${t("providers.or")}</p>
  </div>` as VNode;
}

const RETURN_TO_KEY = "usermesh.return_to";

/** `return_to` of the API has to be a configured URL. Ours is the sign-in page, which goes on to what this tab remembers. */
function providerUrl(name: string): string {
  const query = new URLSearchParams({ return_to: `${config.origin}${pathTo("/login")}`, use_cookies: "true" });
  const tenant = new URLSearchParams(location.search).get("tenant");
  if (tenant !== null) query.set("tenant", tenant);
  return `${pathTo(`/api/v1/auth/oauth/${encodeURIComponent(name)}`)}?${query}`;
}

function rememberReturnTo(): void {
  try {
    sessionStorage.setItem(RETURN_TO_KEY, readReturnTo());
  } catch {
    // Storage may be forbidden. The sign-in then ends on the account page.
  }
}

/** True if a provider has led back here and the session has begun: the browser then goes where the reader wanted to. */
export function continueFromProvider(): boolean {
  const target = takeReturnTo();
  if (target === null || new URLSearchParams(location.search).has("error") || !mayBeSignedIn()) return false;
  location.replace(target);
  return true;
}

function takeReturnTo(): string | null {
  try {
    const target = sessionStorage.getItem(RETURN_TO_KEY);
    sessionStorage.removeItem(RETURN_TO_KEY);
    return target;
  } catch {
    return null;
  }
}
