import { type Signal, signal, useSignal } from "@preact/signals";
import { html } from "htm/preact";
import type { ComponentChildren, VNode } from "preact";
import { useMemo } from "preact/hooks";
import { ApiError, describeError, describeFieldError } from "../app/api-client.ts";
import { t } from "../app/messages.ts";
import { Button } from "./button.ts";
import { Alert, toast } from "./feedback.ts";

export type FormValues = Record<string, string | boolean>;

export interface Form<V extends FormValues = FormValues> {
  readonly values: Signal<V>;
  /** Texts by the names of the fields that were refused. */
  readonly errors: Signal<Readonly<Record<string, string>>>;
  /** Why sending failed, if that has nothing to do with one field. */
  readonly failure: Signal<string | null>;
  /** What the form shows has been changed elsewhere meanwhile, so that nothing was saved. */
  readonly isOutdated: Signal<boolean>;
  readonly busy: Signal<boolean>;
  set(name: string, value: string | boolean): void;
  /** Marks fields as refused, and moves the focus to the first. */
  refuse(errors: Readonly<Record<string, string>>): void;
  /** Handles the form's submit event. What `send` throws is shown. */
  submit(send: (values: V) => Promise<unknown>): (event: Event) => Promise<void>;
}

/** The state of a form. `required` fields must not be empty when it is sent. */
export function createForm<V extends FormValues>(initial: V, required: ReadonlyArray<keyof V & string> = []): Form<V> {
  const values = signal(initial);
  const errors = signal<Readonly<Record<string, string>>>({});
  const failure = signal<string | null>(null);
  const isOutdated = signal(false);
  const busy = signal(false);
  const refuse = (refused: Readonly<Record<string, string>>): void => {
    errors.value = refused;
    const first = Object.keys(values.value).find((name) => name in refused) ?? Object.keys(refused)[0];
    // After the fields have been rendered as invalid, so that a screen reader reads the reason with the name.
    setTimeout(() => document.querySelector<HTMLElement>(`[name="${first}"]`)?.focus());
  };
  const showFailure = (error: unknown): void => {
    if (error instanceof ApiError && error.code === "precondition_failed") {
      isOutdated.value = true;
      return;
    }
    if (!(error instanceof ApiError) || error.fields.length === 0) {
      failure.value = describeError(error);
      return;
    }
    const known = error.fields.filter(({ field }) => document.getElementsByName(field).length > 0);
    const others = error.fields.filter((one) => !known.includes(one));
    if (others.length > 0) failure.value = others.map((one) => `${one.field}: ${describeFieldError(one)}`).join(" ");
    if (known.length > 0) refuse(Object.fromEntries(known.map((one) => [one.field, describeFieldError(one)])));
  };
  return {
    values,
    errors,
    failure,
    isOutdated,
    busy,
    refuse,
    set(name, value) {
      values.value = { ...values.value, [name]: value };
      if (!(name in errors.value)) return;
      const { [name]: _, ...others } = errors.value;
      errors.value = others;
    },
    submit: (send) => async (event) => {
      event.preventDefault();
      if (busy.value) return;
      const missing = required.filter((name) => values.value[name] === "");
      failure.value = null;
      isOutdated.value = false;
      if (missing.length > 0) return refuse(Object.fromEntries(missing.map((name) => [name, t("field.required")])));
      errors.value = {};
      busy.value = true;
      await send(values.value).catch(showFailure);
      busy.value = false;
    },
  };
}

/** A form that lives as long as the component. */
export function useForm<V extends FormValues>(initial: V, required: ReadonlyArray<keyof V & string> = []): Form<V> {
  return useMemo(() => createForm(initial, required), []);
}

interface FormViewProps<V extends FormValues> {
  readonly form: Form<V>;
  readonly onSend: (values: V) => Promise<unknown>;
  readonly class?: string;
  /** Shows what has been changed elsewhere meanwhile, for forms that send the version they are based on. */
  readonly onReload?: () => Promise<unknown>;
  readonly children?: ComponentChildren;
}

/** Browsers' own validation is off: its bubbles vanish, and speak the browser's language. */
export function FormView<V extends FormValues>({
  form,
  onSend,
  class: className = "stack",
  onReload,
  children,
}: FormViewProps<V>): VNode {
  return html`<form class=${className} noValidate onSubmit=${form.submit(onSend)}>
    <${FormProblems} form=${form} onReload=${onReload} />
    ${children}
  </form>` as VNode;
}

/** Why nothing was saved, if that has nothing to do with one field. */
export function FormProblems<V extends FormValues>({
  form,
  onReload,
}: Pick<FormViewProps<V>, "form" | "onReload">): VNode {
  return html`${form.failure.value !== null && html`<${Alert} tone="danger">${form.failure.value}<//>`}
    ${form.isOutdated.value && html`<${Outdated} onReload=${onReload} />`}` as VNode;
}

function Outdated({ onReload }: Pick<FormViewProps<FormValues>, "onReload">): VNode {
  const busy = useSignal(false);
  const reload = async () => {
    busy.value = true;
    await onReload?.();
    busy.value = false;
    toast(t("outdated.reloaded"));
    // The button is gone with the old form; without a focus, the keyboard would begin again at the top of the page.
    if (document.activeElement === document.body) document.getElementById("content")?.focus();
  };
  return html`<${Alert} tone="danger" title=${t("outdated.title")}>
    <div class="stack-tight"><p>${t("outdated.text")}</p>
    <div class="row"><${Button} small icon="refresh" busy=${busy.value} onClick=${reload}>${t("outdated.reload")}<//></div></div>
  <//>` as VNode;
}
