import { useSignal } from "@preact/signals";
import { html } from "htm/preact";
import type { VNode } from "preact";
import { useEffect } from "preact/hooks";
import { ApiError, describeError } from "../app/api-client.ts";
import type { Identity } from "../app/api-types.ts";
import { config, pathTo } from "../app/config.ts";
import { formatDate, t } from "../app/messages.ts";
import { api, goToSignIn } from "../app/session.ts";
import { Button } from "../components/button.ts";
import { Card } from "../components/card.ts";
import { Alert, toast } from "../components/feedback.ts";
import { Loaded } from "../components/loaded.ts";
import { ProviderMark, providerName } from "../components/provider.ts";
import { identities } from "./account-data.ts";

/** The providers that the account can sign in with. */
export function IdentitiesCard(): VNode | null {
  const failure = useSignal<unknown>(null);
  useEffect(() => {
    finishLink().catch((error) => {
      failure.value = error;
    });
  }, []);
  const attempt = async (action: () => Promise<void>) => {
    failure.value = null;
    await action().catch((error) => {
      failure.value = error;
    });
  };
  if (config.providers.length === 0) return null;
  return html`<${Card} title=${t("identities.title")} text=${t("identities.text")}>
    <div class="stack">
      ${failure.value !== null && html`<${Failure} error=${failure.value} />`}
      <${Loaded} resource=${identities} lines=${2} render=${(linked: readonly Identity[]) => html`<ul class="list">
        ${config.providers.map(
          (name) => html`<${ProviderRow} key=${name} name=${name} attempt=${attempt}
          identity=${linked.find(({ provider }) => provider === name)} />`,
        )}
      </ul>`} />
    </div>
  <//>` as VNode;
}

function Failure({ error }: { readonly error: unknown }): VNode {
  const needsSignIn = error instanceof ApiError && error.code === "step_up_required";
  return html`<${Alert} tone=${needsSignIn ? "warning" : "danger"}>
    ${describeError(error)} ${needsSignIn && html`<${Button} small onClick=${() => goToSignIn()}>${t("identities.sign_in_again")}<//>`}
  <//>` as VNode;
}

interface ProviderRowProps {
  readonly name: string;
  readonly identity: Identity | undefined;
  readonly attempt: (action: () => Promise<void>) => Promise<void>;
}

function ProviderRow({ name, identity, attempt }: ProviderRowProps): VNode {
  const busy = useSignal(false);
  const run = async (action: () => Promise<void>) => {
    busy.value = true;
    await attempt(action);
    busy.value = false;
  };
  const provider = providerName(name);
  const detail = identity
    ? t("identities.linked", { email: identity.email ?? provider, date: formatDate(identity.linked_at) })
    : t("identities.not_linked");
  return html`<li class="list-row">
    <span class="list-icon"><${ProviderMark} name=${name} /></span>
    <div class="list-text"><strong>${provider}</strong><span>${detail}</span></div>
    <${Button} small busy=${busy.value} onClick=${() => run(() => (identity ? unlink(name) : link(name)))}>
      ${t(identity ? "identities.unlink" : "identities.link")} <span class="visually-hidden">${provider}</span>
    <//>
  </li>` as VNode;
}

async function unlink(name: string): Promise<void> {
  await api.delete(`auth/identities/${name}`);
  toast(t("identities.unlinked"));
  await identities.load();
}

async function link(name: string): Promise<void> {
  const return_to = `${config.origin}${pathTo("/account/security")}`;
  const { data } = await api.post<{ authorize_url: string }>(`auth/identities/${name}`, { return_to });
  location.assign(data.authorize_url);
}

/** The provider has led back here with a code that is valid in this session only, or with an error. */
async function finishLink(): Promise<void> {
  const query = new URLSearchParams(location.search);
  const [code, error] = [query.get("code"), query.get("error")];
  if (code === null && error === null) return;
  history.replaceState(null, "", location.pathname);
  if (error !== null) throw new ApiError(400, { code: error });
  await api.post("auth/oauth/exchange", { code });
  toast(t("identities.now_linked"));
  await identities.load();
}
