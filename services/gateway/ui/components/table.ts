import { html } from "htm/preact";
import type { ComponentChildren, VNode } from "preact";

export interface Column<T> {
  readonly name: string;
  readonly label: string;
  /** Hidden where there is little room. */
  readonly minor?: boolean;
  readonly numeric?: boolean;
  readonly cell: (row: T) => ComponentChildren;
}

interface TableProps<T> {
  readonly label: string;
  readonly columns: ReadonlyArray<Column<T>>;
  readonly rows: readonly T[];
  readonly keyOf: (row: T) => string;
  /** Grey while another page is being read. */
  readonly busy?: boolean;
}

/** A table. A link with the class `row-link` in its first column can be clicked anywhere in the row. */
export function Table<T>({ label, columns, rows, keyOf, busy }: TableProps<T>): VNode {
  const classOf = ({ minor, numeric }: Column<T>) =>
    [minor && "cell-minor", numeric && "cell-numeric"].filter(Boolean).join(" ") || undefined;
  return html`<table class="table" aria-label=${label} aria-busy=${busy ? "true" : undefined}>
    <thead><tr>${columns.map((one) => html`<th scope="col" class=${classOf(one)}>${one.label}</th>`)}</tr></thead>
    <tbody>
      ${rows.map((row) => html`<tr key=${keyOf(row)}>${columns.map((one) => html`<td class=${classOf(one)}>${one.cell(row)}</td>`)}</tr>`)}
    </tbody>
  </table>` as VNode;
}
