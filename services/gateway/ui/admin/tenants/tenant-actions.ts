import { useSignal } from "@preact/signals";
import { html } from "htm/preact";
import type { VNode } from "preact";
import { ApiError } from "../../app/api-client.ts";
import type { Tenant } from "../../app/api-types.ts";
import { config, pathTo } from "../../app/config.ts";
import { t } from "../../app/messages.ts";
import { goTo } from "../../app/router.ts";
import { api } from "../../app/session.ts";
import { Button } from "../../components/button.ts";
import { CheckField, ConfirmDialog } from "../../components/confirm-dialog.ts";
import { toast } from "../../components/feedback.ts";
import { TextField } from "../../components/field.ts";
import type { Form } from "../../components/form.ts";
import { actIn, may } from "../access.ts";

interface ActionsProps {
  readonly tenant: Tenant;
  readonly onChange: (tenant: Tenant) => void;
  readonly onReload: () => Promise<unknown>;
}

type Dialog = "disable" | "enable" | "delete" | "restore";

/** Buttons for actions that affect everybody in the tenant. Each asks for confirmation. */
export function TenantActions(props: ActionsProps): VNode {
  const { is_active, delete_at, slug, name } = props.tenant;
  const open = useSignal<Dialog | null>(null);
  const enter = () => {
    actIn({ slug, name });
    goTo(pathTo("/admin/accounts"));
  };
  const button = (dialog: Dialog, kind = "secondary") =>
    html`<${Button} kind=${kind} onClick=${() => (open.value = dialog)}>${t(`tenant.${dialog}`)}<//>`;
  const dialog =
    open.value && html`<${ActionDialog} ...${props} name=${open.value} onClose=${() => (open.value = null)} />`;
  if (delete_at !== null) return html`${Date.parse(delete_at) > Date.now() && button("restore")}${dialog}` as VNode;
  return html`${is_active && may("platform:act") && may("users:read") && html`<${Button} icon="building" onClick=${enter}>${t("tenants.enter")}<//>`}
    ${is_active ? button("disable") : button("enable")}
    ${button("delete", "danger-quiet")}
    ${dialog}` as VNode;
}

type DialogProps = ActionsProps & { readonly name: Dialog; readonly onClose: () => void };

function ActionDialog(props: DialogProps): VNode {
  const { tenant, name, onChange, onClose } = props;
  if (name === "delete") return html`<${DeleteDialog} ...${props} />` as VNode;
  // Without If-Match, because this must succeed even if the settings were changed meanwhile.
  const setActive = async () => {
    const { data } = await api.patch<Tenant>(`admin/tenants/${tenant.id}`, { is_active: name !== "disable" });
    toast(t(`tenant.${name}_done`));
    onChange(data);
  };
  return html`<${ConfirmDialog} title=${t(`tenant.${name}_title`, { name: tenant.name })} text=${t(`tenant.${name}_text`)} action=${t(`tenant.${name}`)}
    danger=${name === "disable"} onConfirm=${setActive} onClose=${onClose} />` as VNode;
}

const initial = { confirmation: "", erase: false };
type Values = typeof initial;

/** The deletion affects many people at once, so the administrator confirms it by typing the short name of the tenant. */
function DeleteDialog({ tenant, onReload, onClose }: DialogProps): VNode {
  const remove = async ({ confirmation, erase }: Values) => {
    if (confirmation.trim() !== tenant.slug) throw refusal(tenant.slug);
    await api.delete(`admin/tenants/${tenant.id}`, erase ? { erase } : {});
    toast(t("tenant.delete_done"));
    await onReload();
  };
  const fields = (form: Form<Values>) => html`
    <${TextField} form=${form} name="confirmation" label=${t("tenant.confirmation", { slug: tenant.slug })} autocomplete="off" spellcheck=${false} />
    <${CheckField} form=${form} name="erase" label=${t("account.erase")} hint=${t("account.erase_hint")} />`;
  return html`<${ConfirmDialog} title=${t("tenant.delete_title", { name: tenant.name })} text=${t(config.keepsDeleted ? "tenant.delete_text_kept" : "tenant.delete_text")} action=${t("tenant.delete_submit")} danger
    initial=${initial} required=${["confirmation"]} fields=${fields} onConfirm=${remove} onClose=${onClose} />` as VNode;
}

function refusal(slug: string): ApiError {
  const message = t("tenant.confirmation_wrong", { slug });
  return new ApiError(422, { errors: [{ field: "confirmation", code: "confirmation_wrong", message }] });
}
