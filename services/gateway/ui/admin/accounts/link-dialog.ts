import { html } from "htm/preact";
import type { VNode } from "preact";
import type { User } from "../../app/api-types.ts";
import { t } from "../../app/messages.ts";
import { ConfirmDialog } from "../../components/confirm-dialog.ts";
import { toast } from "../../components/feedback.ts";
import { SelectField } from "../../components/field.ts";
import type { Form } from "../../components/form.ts";
import { tenantApi } from "../access.ts";

interface LinkProps {
  readonly user: User;
  readonly onClose: () => void;
}

/** Mails a link to the owner. Administrators never see it. */
export function LinkDialog({ user, onClose }: LinkProps): VNode {
  const kinds = user.is_verified
    ? ["password_reset", "invitation"]
    : ["email_verification", "password_reset", "invitation"];
  const initial = { kind: kinds[0] as string };
  const send = async ({ kind }: typeof initial) => {
    await tenantApi.post(`admin/users/${user.id}/links`, { kind });
    toast(t("link.sent", { email: user.email }));
  };
  const fields = (form: Form<typeof initial>) =>
    html`<${SelectField} form=${form} name="kind" label=${t("link.kind")} hint=${t(`link.${form.values.value.kind}_hint`)}
      options=${kinds.map((value) => ({ value, label: t(`link.${value}`) }))} />`;
  return html`<${ConfirmDialog} title=${t("link.title")} text=${t("link.text", { email: user.email })} action=${t("link.send")} initial=${initial}
    fields=${fields} onConfirm=${send} onClose=${onClose} />` as VNode;
}
