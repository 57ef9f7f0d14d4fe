import { useSignal } from "@preact/signals";
import { html } from "htm/preact";
import type { ComponentChildren, VNode } from "preact";
import { t } from "../app/messages.ts";
import { Button } from "./button.ts";
import type { Form, FormValues } from "./form.ts";
import { Icon } from "./icons.ts";

interface FieldProps<V extends FormValues = FormValues> {
  readonly form: Form<V>;
  readonly name: keyof V & string;
  readonly label: string;
  readonly type?: "text" | "email" | "password" | "url" | "tel" | "date" | "number" | "search";
  readonly autocomplete?: string;
  readonly hint?: ComponentChildren;
  readonly optional?: boolean;
  readonly multiline?: boolean;
  readonly maxLength?: number;
  readonly autofocus?: boolean;
  readonly inputMode?: string;
  readonly spellcheck?: boolean;
  /** Beside the label, such as a link. */
  readonly aside?: ComponentChildren;
}

/** A labelled text field with its hint and error, which screen readers read with it. */
export function TextField<V extends FormValues>(props: FieldProps<V>): VNode {
  const { multiline, type = "text" } = props;
  const attributes = attributesOf(props);
  return html`<${FieldFrame} ...${props}>
    ${multiline ? html`<textarea rows="3" ...${attributes}></textarea>` : html`<input type=${type} ...${attributes} />`}
  <//>` as VNode;
}

/** A password can be shown, so that nobody has to type it twice to be sure of it. */
export function PasswordField<V extends FormValues>(props: FieldProps<V>): VNode {
  const isShown = useSignal(false);
  const toggle = () => {
    isShown.value = !isShown.value;
  };
  return html`<${FieldFrame} ...${props}>
    <div class="input-group">
      <input type=${isShown.value ? "text" : "password"} autocapitalize="none" ...${attributesOf({ ...props, spellcheck: false })} />
      <${Button} kind="quiet" icon=${isShown.value ? "eye-off" : "eye"} onClick=${toggle}
        label=${t(isShown.value ? "field.hide_password" : "field.show_password")} />
    </div>
  <//>` as VNode;
}

interface SelectProps<V extends FormValues> extends FieldProps<V> {
  readonly options: ReadonlyArray<{ readonly value: string; readonly label: string }>;
}

export function SelectField<V extends FormValues>(props: SelectProps<V>): VNode {
  const { options, form, name } = props;
  return html`<${FieldFrame} ...${props}>
    <select ...${attributesOf(props)}>
      ${options.map(({ value, label }) => html`<option value=${value} selected=${form.values.value[name] === value}>${label}</option>`)}
    </select>
  <//>` as VNode;
}

function attributesOf<V extends FormValues>(props: FieldProps<V>): Record<string, unknown> {
  const { form, name, autocomplete, hint, maxLength, autofocus, inputMode, spellcheck } = props;
  const error = form.errors.value[name];
  const described = [hint !== undefined && `${name}-hint`, error !== undefined && `${name}-error`].filter(Boolean);
  return {
    id: name,
    name,
    class: "input",
    value: form.values.value[name],
    autocomplete,
    maxLength,
    autofocus,
    inputMode,
    spellcheck,
    "aria-invalid": error === undefined ? undefined : "true",
    "aria-describedby": described.length === 0 ? undefined : described.join(" "),
    onInput: ({ target }: Event) => form.set(name, (target as HTMLInputElement).value),
  };
}

function FieldFrame<V extends FormValues>(props: FieldProps<V> & { readonly children?: ComponentChildren }): VNode {
  const { form, name, label, optional, aside, hint, children } = props;
  const error = form.errors.value[name];
  return html`<div class="field">
    <div class="field-head">
      <label for=${name}>${label} ${optional && html`<span class="optional">${t("field.optional")}</span>`}</label>
      ${aside}
    </div>
    ${children}
    ${error !== undefined && html`<p class="field-error" id="${name}-error"><${Icon} name="alert" size=${16} />${error}</p>`}
    ${hint !== undefined && html`<div class="hint" id="${name}-hint">${hint}</div>`}
  </div>` as VNode;
}
