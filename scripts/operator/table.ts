/** One line of a table: what each cell shows, by the title of its column. */
export type Row = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** Short enough for a narrow terminal. */
const HINT = "… is shortened. --json shows all.";
const GAP = "  ";
const MIN_WIDTH = 6;

/**
 * A table that fits `width` columns: the widest cells are shortened until it does, which a line below says. Columns in
 * `whole` are not, because a shortened id is of no use.
 */
export function formatRows(rows: readonly Row[], width: number, whole: readonly string[] = []): string {
  const titles = Object.keys(rows[0] ?? {});
  const cells = rows.map((row) => titles.map((title) => showValue(row[title])));
  const widths = titles.map((title, at) => Math.max(title.length, ...cells.map((line) => widthOf(line[at] ?? ""))));
  const fitted = shrink(widths, width - GAP.length * (titles.length - 1), (at) => whole.includes(titles[at] ?? ""));
  const lines = [titles.map((title) => title.toUpperCase()), ...cells].map((line) =>
    line
      .map((cell, at) => pad(shorten(cell, fitted[at] ?? 0), fitted[at] ?? 0))
      .join(GAP)
      .trimEnd(),
  );
  const isShortened = cells.some((line) => line.some((cell, at) => widthOf(cell) > (fitted[at] ?? 0)));
  return [...lines, ...(isShortened ? ["", HINT] : [])].join("\n");
}

/** One field per line, its value folded to the width. */
export function formatRecord(record: Row, width: number): string {
  const label = Math.max(...Object.keys(record).map((name) => name.length)) + GAP.length;
  return Object.entries(record)
    .flatMap(([name, value]) =>
      fold(showValue(value), width - label).map((line, at) => `${(at === 0 ? name : "").padEnd(label)}${line}`),
    )
    .join("\n");
}

/** Text of users and other systems must not move the cursor or rename the window of an operator's terminal. */
export function withoutControls(text: string): string {
  return text.replace(/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, "\ufffd");
}

function showValue(value: Row[string]): string {
  if (value === null || value === undefined || value === "") return "-";
  if (typeof value === "boolean") return value ? "yes" : "no";
  return withoutControls(String(value));
}

function shrink(widths: readonly number[], available: number, isWhole: (at: number) => boolean): number[] {
  const fitted = [...widths];
  for (let excess = sum(fitted) - available; excess > 0; excess -= 1) {
    const at = indexOfWidest(fitted, isWhole);
    if (at === -1) break;
    fitted[at] = (fitted[at] ?? 0) - 1;
  }
  return fitted;
}

function indexOfWidest(widths: readonly number[], isWhole: (at: number) => boolean): number {
  const shrinkable = widths.map((width, at) => (isWhole(at) || width <= MIN_WIDTH ? -1 : width));
  const widest = Math.max(...shrinkable);
  return widest === -1 ? -1 : shrinkable.indexOf(widest);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

function shorten(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let short = "";
  for (const character of text) {
    if (widthOf(short + character) > width - 1) break;
    short += character;
  }
  return `${short}…`;
}

function pad(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - widthOf(text)));
}

function fold(text: string, width: number): string[] {
  const lines = [""];
  for (const character of text) {
    const last = lines.at(-1) ?? "";
    if (widthOf(last + character) > width) lines.push(character);
    else lines[lines.length - 1] = last + character;
  }
  return lines;
}

const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;

/** Columns of a terminal: East Asian characters and emoji take two, combining marks none. */
function widthOf(text: string): number {
  return [...text].reduce((width, character) => {
    if (/[\p{Mn}\p{Me}\u200d]/u.test(character)) return width;
    return width + (WIDE.test(character) ? 2 : 1);
  }, 0);
}
