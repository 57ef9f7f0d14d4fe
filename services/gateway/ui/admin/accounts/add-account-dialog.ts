import { html } from "htm/preact";
import type { VNode } from "preact";
import type { User } from "../../app/api-types.ts";
import { t } from "../../app/messages.ts";
import { CheckField, ConfirmDialog } from "../../components/confirm-dialog.ts";
import { toast } from "../../components/feedback.ts";
import { TextField } from "../../components/field.ts";
import type { Form } from "../../components/form.ts";
import { may, tenantApi } from "../access.ts";
import { chosenRoles, roleField } from "./role-fields.ts";

interface AddProps {
  /** The names of the roles that can be given. */
  readonly roles: readonly string[];
  readonly onClose: () => void;
  readonly onAdded: (user: User) => void;
}

const texts = ["full_name", "username"] as const;
const initial = { email: "", full_name: "", username: "", is_verified: false, send_invitation: true };
type Values = typeof initial & Record<string, string | boolean>;

/** Creates an account without a password, because only its owner may choose one. */
export function AddAccountDialog({ roles, onClose, onAdded }: AddProps): VNode {
  const offered = may("roles:write") ? roles : [];
  const add = async (values: Values) => {
    const { email, is_verified, send_invitation } = values;
    const given = texts.filter((name) => values[name].trim() !== "").map((name) => [name, values[name].trim()]);
    const body = { email, ...Object.fromEntries(given), is_verified, send_invitation };
    const { data } = await tenantApi.post<User>("admin/users", { ...body, roles: chosenRoles(offered, values) });
    toast(t(send_invitation ? "add_account.invited" : "add_account.added", { email }));
    onAdded(data);
  };
  const fields = (form: Form<Values>) => html`
    <${TextField} form=${form} name="email" type="email" label=${t("account.email")} autocomplete="off" spellcheck=${false} autofocus />
    <div class="form-grid">
      <${TextField} form=${form} name="full_name" label=${t("account.full_name")} autocomplete="off" optional maxLength=${255} />
      <${TextField} form=${form} name="username" label=${t("account.username")} autocomplete="off" spellcheck=${false} optional maxLength=${50} />
    </div>
    ${
      offered.length > 0 &&
      html`<fieldset class="stack-tight"><legend class="label">${t("account.roles")}</legend>
      ${offered.map((name) => html`<${CheckField} key=${name} form=${form} name=${roleField(name)} label=${name} />`)}
    </fieldset>`
    }
    <fieldset class="stack-tight"><legend class="label">${t("add_account.options")}</legend>
      <${CheckField} form=${form} name="send_invitation" label=${t("add_account.send_invitation")} hint=${t("add_account.send_invitation_hint")} />
      <${CheckField} form=${form} name="is_verified" label=${t("add_account.is_verified")} hint=${t("add_account.is_verified_hint")} />
    </fieldset>`;
  return html`<${ConfirmDialog} title=${t("add_account.title")} text=${t("add_account.text")} action=${t("add_account.submit")} initial=${initial}
    required=${["email"]} fields=${fields} onConfirm=${add} onClose=${onClose} />` as VNode;
}
