import { useSignal } from "@preact/signals";
import { html } from "htm/preact";
import type { VNode } from "preact";
import { useMemo } from "preact/hooks";
import type { Role } from "../../app/api-types.ts";
import { formatRelative, t } from "../../app/messages.ts";
import { createResource } from "../../app/resource.ts";
import { refreshSession } from "../../app/session.ts";
import { Button } from "../../components/button.ts";
import { ConfirmDialog } from "../../components/confirm-dialog.ts";
import { ConsoleHead } from "../../components/console.ts";
import { Badge, toast } from "../../components/feedback.ts";
import { Loaded } from "../../components/loaded.ts";
import { may, tenantApi } from "../access.ts";
import { RoleDialog } from "./role-dialog.ts";

/** The tenant's roles, and what each permits. */
export function RolesSection(): VNode {
  const roles = useMemo(
    () => createResource(async () => (await tenantApi.get<readonly Role[]>("admin/roles")).data),
    [],
  );
  const edited = useSignal<Role | "new" | null>(null);
  const removed = useSignal<Role | null>(null);
  // A changed role makes all access tokens of the tenant stale, including the administrator's.
  const readAgain = () =>
    refreshSession()
      .catch(() => undefined)
      .then(() => roles.load());
  const remove = async () => {
    await tenantApi.delete(`admin/roles/${removed.value?.name}`);
    toast(t("roles.deleted"));
    await readAgain();
  };
  /** The dialog then shows the role as it is now; it closes if the role is gone or has another name. */
  const reload = async () => {
    await roles.load();
    const name = edited.value === "new" ? undefined : edited.value?.name;
    edited.value = roles.data.value?.find((role) => role.name === name) ?? null;
  };
  return html`<${ConsoleHead} title=${t("admin.roles")} text=${t("roles.text")}>
      ${may("roles:write") && html`<${Button} kind="primary" icon="plus" onClick=${() => (edited.value = "new")}>${t("roles.create")}<//>`}
    <//>
    <${Loaded} resource=${roles} lines=${8} render=${(list: readonly Role[]) =>
      html`<ul class="console-cards">${list.map(
        (role) =>
          html`<${RoleCard} key=${role.name} role=${role} onEdit=${() => (edited.value = role)} onDelete=${() => (removed.value = role)} />`,
      )}</ul>`} />
    ${
      edited.value !== null &&
      html`<${RoleDialog} key=${edited.value === "new" ? "new" : edited.value.updated_at} role=${edited.value === "new" ? null : edited.value}
      onSaved=${readAgain} onReload=${reload} onClose=${() => (edited.value = null)} />`
    }
    ${
      removed.value !== null &&
      html`<${ConfirmDialog} title=${t("roles.delete_title", { name: removed.value.name })} text=${t("roles.delete_text")} action=${t("roles.delete")} danger
        onConfirm=${remove} onClose=${() => (removed.value = null)} />`
    }` as VNode;
}

interface RoleCardProps {
  readonly role: Role;
  readonly onEdit: () => void;
  readonly onDelete: () => void;
}

function RoleCard({ role, onEdit, onDelete }: RoleCardProps): VNode {
  const { name, permissions, system, updated_at } = role;
  return html`<li class="card">
    <header class="card-head">
      <h2>${name} ${system && html`<${Badge}>${t("roles.system")}<//>`}</h2>
      ${
        !system &&
        may("roles:write") &&
        html`<div class="row"><${Button} small onClick=${onEdit} label=${t("roles.edit_named", { name })}>${t("roles.edit")}<//>
        <${Button} small kind="danger-quiet" onClick=${onDelete} label=${t("roles.delete_named", { name })}>${t("roles.delete")}<//></div>`
      }
      <p>${system ? t("roles.system_text") : t("roles.changed", { when: formatRelative(updated_at) })}</p>
    </header>
    <div class="card-body">
      ${permissions.length === 0 ? html`<p class="muted">${t("roles.none")}</p>` : html`<ul class="permissions">${permissions.map((one) => html`<li><code>${one}</code><span>${t(`permission.${one.replace(":", "_")}`)}</span></li>`)}</ul>`}
    </div>
  </li>` as VNode;
}
