import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Resource } from "../app/resource.ts";
import type { Version } from "../app/session.ts";
import { type Form, type FormValues, useForm } from "./form.ts";

export interface ResourceForm<T, V extends FormValues> {
  readonly form: Form<V>;
  /** The version that the form was filled from, for `If-Match` and to find out what has been changed. */
  readonly base: Signal<T>;
  /** To be called with what a change has returned. */
  fill(next: T): void;
  /** Reads the resource again and shows it, in place of what has been typed. */
  reload(): Promise<void>;
}

/**
 * A form of a resource that has been loaded. If the resource is read again meanwhile, its new values appear as long as
 * nothing has been typed. What has been typed stays, and is refused with 412 if it would overwrite a change.
 */
export function useResourceForm<T extends Version, V extends FormValues>(
  resource: Resource<T>,
  valuesOf: (data: T) => V,
  required: ReadonlyArray<keyof V & string> = [],
): ResourceForm<T, V> {
  const data = resource.data.value as T;
  const base = useSignal(data);
  const form = useForm(valuesOf(data), required);
  const fill = (next: T) => {
    base.value = next;
    form.values.value = valuesOf(next);
    form.errors.value = {};
    form.isOutdated.value = false;
  };
  useEffect(() => {
    if (data.updated_at === base.value.updated_at) return;
    const [before, now] = [valuesOf(base.value), valuesOf(data)];
    if (isSame(form.values.value, before)) fill(data);
    // Only what the form does not show has changed.
    else if (isSame(before, now)) base.value = data;
  }, [data]);
  const reload = async () => {
    await resource.load();
    if (resource.failure.value === null) fill(resource.data.value as T);
  };
  return { form, base, fill, reload };
}

function isSame(one: FormValues, other: FormValues): boolean {
  return Object.keys(one).every((name) => one[name] === other[name]);
}
