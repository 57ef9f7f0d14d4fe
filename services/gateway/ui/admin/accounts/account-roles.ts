import { html } from "htm/preact";
import type { VNode } from "preact";
import { useMemo } from "preact/hooks";
import type { Role, User } from "../../app/api-types.ts";
import { t } from "../../app/messages.ts";
import { createResource } from "../../app/resource.ts";
import { Button } from "../../components/button.ts";
import { Card } from "../../components/card.ts";
import { CheckField } from "../../components/confirm-dialog.ts";
import { Badge, toast } from "../../components/feedback.ts";
import { type FormValues, FormView, useForm } from "../../components/form.ts";
import { Loaded } from "../../components/loaded.ts";
import { may, tenantApi } from "../access.ts";
import { chosenRoles, roleField } from "./role-fields.ts";

interface RolesProps {
  readonly user: User;
  readonly onChange: (user: User) => void;
  readonly onReload: () => Promise<unknown>;
}

export function AccountRolesCard(props: RolesProps): VNode {
  const { user } = props;
  const mayChange = may("roles:read") && may("roles:write") && may("users:write") && user.deleted_at === null;
  const roles = useMemo(
    () => createResource(async () => (await tenantApi.get<readonly Role[]>("admin/roles")).data),
    [],
  );
  return html`<${Card} title=${t("account.roles")} text=${t("account.roles_text")}>
    ${
      mayChange
        ? html`<${Loaded} resource=${roles} render=${(all: readonly Role[]) => html`<${RolesForm} ...${props} all=${all} />`} />`
        : html`<div class="badges">${user.roles.map((role) => html`<${Badge}>${role}<//>`)}</div>`
    }
  <//>` as VNode;
}

function RolesForm({ user, all, onChange, onReload }: RolesProps & { readonly all: readonly Role[] }): VNode {
  const grantable = all.filter(({ name }) => name !== "user");
  const form = useForm<FormValues>(
    Object.fromEntries(grantable.map(({ name }) => [roleField(name), user.roles.includes(name)])),
  );
  const send = async (values: FormValues) => {
    const offered = grantable.map(({ name }) => name);
    const body = { roles: chosenRoles(offered, values) };
    const { data } = await tenantApi.patch<User>(`admin/users/${user.id}`, body, user);
    toast(t("saved"));
    onChange(data);
  };
  return html`<${FormView} form=${form} onSend=${send} onReload=${onReload}>
    <fieldset class="stack-tight"><legend class="visually-hidden">${t("account.roles")}</legend>
      ${grantable.map(({ name, permissions }) => html`<${CheckField} key=${name} form=${form} name=${roleField(name)} label=${name} hint=${t("roles.grants", { count: permissions.length })} />`)}
    </fieldset>
    <div class="row form-actions"><${Button} type="submit" busy=${form.busy.value}>${t("account.save_roles")}<//></div>
  <//>` as VNode;
}
