import { useSignal } from "@preact/signals";
import { html } from "htm/preact";
import type { VNode } from "preact";
import type { User } from "../../app/api-types.ts";
import { config } from "../../app/config.ts";
import { t } from "../../app/messages.ts";
import { Button } from "../../components/button.ts";
import { CheckField, ConfirmDialog } from "../../components/confirm-dialog.ts";
import { toast } from "../../components/feedback.ts";
import { TextField } from "../../components/field.ts";
import type { Form } from "../../components/form.ts";
import { access, tenantApi } from "../access.ts";
import { displayName } from "./account-badges.ts";
import { LinkDialog } from "./link-dialog.ts";

interface ActionsProps {
  readonly user: User;
  readonly onChange: (user: User) => void;
  readonly onReload: () => Promise<unknown>;
}

type Dialog = "link" | "verify" | "disable" | "enable" | "delete" | "restore";

/** Buttons for what changes the state of the account. Each asks first. */
export function AccountActions(props: ActionsProps): VNode {
  const { user } = props;
  const open = useSignal<Dialog | null>(null);
  const button = (name: Dialog, kind = "secondary") =>
    html`<${Button} kind=${kind} onClick=${() => (open.value = name)}>${t(`account.${name}`)}<//>`;
  const isOwn = access.data.value?.user.id === user.id;
  const dialog =
    open.value && html`<${ActionDialog} ...${props} name=${open.value} onClose=${() => (open.value = null)} />`;
  if (user.deleted_at !== null) return html`${button("restore")}${dialog}` as VNode;
  return html`${user.is_active && button("link")}
    ${!user.is_verified && button("verify")}
    ${!isOwn && (user.is_active ? button("disable") : button("enable"))}
    ${!isOwn && button("delete", "danger-quiet")}
    ${dialog}` as VNode;
}

function ActionDialog(props: ActionsProps & { readonly name: Dialog; readonly onClose: () => void }): VNode {
  const { user, name, onReload, onClose } = props;
  if (name === "link") return html`<${LinkDialog} user=${user} onClose=${onClose} />` as VNode;
  const who = { name: displayName(user) };
  const common = {
    title: t(`account.${name}_title`, who),
    text: t(name === "delete" && config.keepsDeleted ? "account.delete_text_kept" : `account.${name}_text`),
    action: t(`account.${name}`),
    onClose,
  };
  const done = (changed: User) => {
    toast(t(`account.${name}_done`));
    props.onChange(changed);
  };
  // Without If-Match: people must not be able to keep their account from being disabled by changing it all the time.
  const setStatus = (body: object) =>
    tenantApi.put<User>(`admin/users/${user.id}/status`, body).then(({ data }) => done(data));
  if (name === "disable") {
    const fields = (form: Form<{ reason: string }>) =>
      html`<${TextField} form=${form} name="reason" label=${t("account.reason")} hint=${t("account.reason_hint")} optional multiline maxLength=${2000} />`;
    const disable = ({ reason }: { reason: string }) =>
      setStatus({ is_active: false, ...(reason.trim() !== "" && { reason: reason.trim() }) });
    return html`<${ConfirmDialog} ...${common} danger initial=${{ reason: "" }} fields=${fields} onConfirm=${disable} />` as VNode;
  }
  if (name === "delete") {
    const fields = (form: Form<{ erase: boolean }>) =>
      html`<${CheckField} form=${form} name="erase" label=${t("account.erase")} hint=${t("account.erase_hint")} />`;
    const remove = async ({ erase }: { erase: boolean }) => {
      await tenantApi.delete(`admin/users/${user.id}`, erase ? { erase } : {});
      toast(t("account.delete_done"));
      await onReload();
    };
    return html`<${ConfirmDialog} ...${common} danger initial=${{ erase: false }} fields=${fields} onConfirm=${remove} />` as VNode;
  }
  if (name === "verify") {
    const verify = () =>
      tenantApi.patch<User>(`admin/users/${user.id}`, { is_verified: true }, user).then(({ data }) => done(data));
    return html`<${ConfirmDialog} ...${common} onConfirm=${verify} onReload=${() => onReload().then(onClose)} />` as VNode;
  }
  return html`<${ConfirmDialog} ...${common} onConfirm=${() => setStatus({ is_active: true })} />` as VNode;
}
