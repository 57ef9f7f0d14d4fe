import { html } from "htm/preact";
import type { VNode } from "preact";
import type { Role } from "../../app/api-types.ts";
import { t } from "../../app/messages.ts";
import { CheckField, ConfirmDialog } from "../../components/confirm-dialog.ts";
import { toast } from "../../components/feedback.ts";
import { TextField } from "../../components/field.ts";
import type { Form } from "../../components/form.ts";
import { access, tenantApi } from "../access.ts";

type Values = Record<string, string | boolean>;

interface RoleDialogProps {
  /** Null for a new role. */
  readonly role: Role | null;
  readonly onSaved: () => Promise<unknown>;
  readonly onReload: () => Promise<unknown>;
  readonly onClose: () => void;
}

/** Creates or changes a role. Nobody can grant what they lack, and no tenant's role permits anything on the platform. */
export function RoleDialog({ role, onSaved, onReload, onClose }: RoleDialogProps): VNode {
  const own = (access.data.value?.permissions ?? []).filter((one) => !one.startsWith("platform:"));
  const offered = [...new Set([...own, ...(role?.permissions ?? [])])].toSorted();
  const chosen = Object.fromEntries(offered.map((one) => [one, role?.permissions.includes(one) ?? false]));
  // As the API calls it, so that a refused name is shown at its field.
  const nameField = role === null ? "name" : "new_name";
  const save = async (values: Values) => {
    const body = { [nameField]: values[nameField], permissions: offered.filter((one) => values[one] === true) };
    if (role === null) await tenantApi.post("admin/roles", body);
    else await tenantApi.patch(`admin/roles/${role.name}`, body, role);
    toast(t("saved"));
    await onSaved();
  };
  const nameHint = t(role === null ? "roles.name_hint" : "roles.rename_hint");
  const fields = (form: Form<Values>) => html`
    <${TextField} form=${form} name=${nameField} label=${t("roles.name")} hint=${nameHint} autocomplete="off" spellcheck=${false} maxLength=${50} />
    <fieldset class="stack-tight"><legend class="label">${t("roles.permissions")}</legend>
      ${offered.map((one) => html`<${CheckField} form=${form} name=${one} label=${t(`permission.${one.replace(":", "_")}`)} hint=${one} />`)}
    </fieldset>`;
  const initial: Values = { [nameField]: role?.name ?? "", ...chosen };
  const title = role === null ? t("roles.create") : t("roles.edit_named", { name: role.name });
  return html`<${ConfirmDialog} title=${title} action=${t("save")} initial=${initial} required=${[nameField]} fields=${fields}
    onConfirm=${save} onReload=${onReload} onClose=${onClose} />` as VNode;
}
