import { html } from "htm/preact";
import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Icon } from "../components/icons.ts";

/** Waits for a pause of this length in the typing, so that not every letter causes a search. */
const PAUSE_MS = 120;

interface SearchProps {
  readonly label: string;
  readonly value: string;
  readonly onSearch: (value: string) => void;
}

/** A field that searches while the reader types. */
export function SearchField({ label, value, onSearch }: SearchProps): VNode {
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => () => clearTimeout(timer.current), []);
  useEffect(() => {
    if (input.current && input.current !== document.activeElement) input.current.value = value;
  }, [value]);
  const search = () => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => onSearch(input.current?.value.trim() ?? ""), PAUSE_MS);
  };
  return html`<label class="search"><${Icon} name="search" size=${18} />
    <input ref=${input} class="input" type="search" name="q" defaultValue=${value} placeholder=${label} aria-label=${label} autocomplete="off" spellcheck=${false} onInput=${search} />
  </label>` as VNode;
}

interface SelectProps {
  readonly label: string;
  readonly value: string;
  readonly options: ReadonlyArray<{ readonly value: string; readonly label: string }>;
  readonly onChange: (value: string) => void;
}

/** A choice that takes effect at once. */
export function Select({ label, value, options, onChange }: SelectProps): VNode {
  const change = ({ target }: Event) => onChange((target as HTMLSelectElement).value);
  return html`<select class="input" aria-label=${label} onChange=${change}>
    ${options.map((one) => html`<option value=${one.value} selected=${one.value === value}>${one.label}</option>`)}
  </select>` as VNode;
}
