import { useSignal } from "@preact/signals";
import { html } from "htm/preact";
import type { VNode } from "preact";
import { useMemo } from "preact/hooks";
import type { Webhook, WebhookWithSecret } from "../../app/api-types.ts";
import { pathTo } from "../../app/config.ts";
import { formatDate, t } from "../../app/messages.ts";
import { createResource } from "../../app/resource.ts";
import { followLink, goTo } from "../../app/router.ts";
import { Button } from "../../components/button.ts";
import { ConsoleHead } from "../../components/console.ts";
import { Empty } from "../../components/feedback.ts";
import { Loaded } from "../../components/loaded.ts";
import { type Column, Table } from "../../components/table.ts";
import { may, tenantApi } from "../access.ts";
import { CreateWebhookDialog } from "./create-webhook-dialog.ts";
import { SecretDialog } from "./secret-dialog.ts";
import { describeEvents, nameOfWebhook, WebhookBadge } from "./webhook-texts.ts";

/** The webhooks of the tenant. There are at most twenty, so that the list has one page. */
export function WebhooksSection(): VNode {
  const webhooks = useMemo(
    () => createResource(async () => (await tenantApi.get<readonly Webhook[]>("admin/webhooks")).data),
    [],
  );
  const isCreating = useSignal(false);
  const created = useSignal<WebhookWithSecret | null>(null);
  const add =
    may("webhooks:write") &&
    html`<${Button} kind="primary" icon="plus" onClick=${() => (isCreating.value = true)}>${t("webhooks.create")}<//>`;
  const open = ({ id }: Webhook) => goTo(pathTo(`/admin/webhooks/${id}`));
  return html`<${ConsoleHead} title=${t("admin.webhooks")} text=${t("webhooks.text")}>${add}<//>
    <section class="card" aria-label=${t("admin.webhooks")}>
      <${Loaded} resource=${webhooks} lines=${6} inset render=${(list: readonly Webhook[]) =>
        list.length === 0
          ? html`<${Empty} icon="send" title=${t("webhooks.none")} text=${t("webhooks.none_text")} />`
          : html`<${Table} label=${t("admin.webhooks")} columns=${columns()} rows=${list} keyOf=${({ id }: Webhook) => id} />`} />
    </section>
    ${isCreating.value && html`<${CreateWebhookDialog} onCreated=${(webhook: WebhookWithSecret) => (created.value = webhook)} onClose=${() => (isCreating.value = false)} />`}
    ${created.value !== null && html`<${SecretDialog} webhook=${created.value} onClose=${() => created.value && open(created.value)} />`}` as VNode;
}

function columns(): ReadonlyArray<Column<Webhook>> {
  return [
    { name: "url", label: t("webhooks.receiver"), cell: (webhook) => html`<${WebhookLink} webhook=${webhook} />` },
    { name: "state", label: t("accounts.status"), cell: (webhook) => html`<${WebhookBadge} webhook=${webhook} />` },
    {
      name: "events",
      label: t("webhooks.events"),
      minor: true,
      cell: ({ event_types }) => describeEvents(event_types),
    },
    { name: "created", label: t("accounts.created"), minor: true, cell: ({ created_at }) => formatDate(created_at) },
  ];
}

function WebhookLink({ webhook }: { readonly webhook: Webhook }): VNode {
  return html`<div class="account-cell"><div>
    <a class="row-link" href=${pathTo(`/admin/webhooks/${webhook.id}`)} onClick=${followLink}>${nameOfWebhook(webhook)}</a>
    <span class="account-mail">${webhook.url}</span>
  </div></div>` as VNode;
}
