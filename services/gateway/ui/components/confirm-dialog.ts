import { html } from "htm/preact";
import type { ComponentChildren, VNode } from "preact";
import { t } from "../app/messages.ts";
import { Button } from "./button.ts";
import { Dialog } from "./dialog.ts";
import { type Form, type FormValues, FormView, useForm } from "./form.ts";

interface ConfirmProps<V extends FormValues> {
  readonly title: string;
  readonly text?: ComponentChildren;
  /** Label of the button that confirms. */
  readonly action: string;
  readonly danger?: boolean;
  /** Initial values of the fields, if it has any. */
  readonly initial?: V;
  readonly required?: ReadonlyArray<keyof V & string>;
  readonly fields?: (form: Form<V>) => ComponentChildren;
  /** If it throws, the error is shown in the dialog, which stays open. */
  readonly onConfirm: (values: V) => Promise<unknown>;
  readonly onReload?: () => Promise<unknown>;
  readonly onClose: () => void;
}

/** A dialog that asks for confirmation, and for values if it has fields. */
export function ConfirmDialog<V extends FormValues>(props: ConfirmProps<V>): VNode {
  const { title, text, action, danger, initial = {} as V, required, fields, onConfirm, onReload, onClose } = props;
  const form = useForm(initial, required);
  const send = async (values: V) => {
    await onConfirm(values);
    onClose();
  };
  return html`<${Dialog} title=${title} onClose=${onClose}>
    ${text !== undefined && html`<p class="muted">${text}</p>`}
    <${FormView} form=${form} onSend=${send} onReload=${onReload}>
      ${fields?.(form)}
      <div class="dialog-actions">
        <${Button} onClick=${onClose}>${t("cancel")}<//>
        <${Button} kind=${danger ? "danger" : "primary"} type="submit" busy=${form.busy.value}>${action}<//>
      </div>
    <//>
  <//>` as VNode;
}

interface CheckProps<V extends FormValues> {
  readonly form: Form<V>;
  readonly name: keyof V & string;
  readonly label: string;
  readonly hint?: string;
}

export function CheckField<V extends FormValues>({ form, name, label, hint }: CheckProps<V>): VNode {
  const change = ({ target }: Event) => form.set(name, (target as HTMLInputElement).checked);
  return html`<div class="check">
    <input type="checkbox" id=${name} name=${name} checked=${form.values.value[name] === true} onChange=${change}
      aria-describedby=${hint === undefined ? undefined : `${name}-hint`} />
    <label for=${name}>${label}</label>
    ${hint !== undefined && html`<p class="hint" id="${name}-hint">${hint}</p>`}
  </div>` as VNode;
}
