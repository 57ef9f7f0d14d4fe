import { namesOf, type Variable, variables } from "./variables.ts";

const known = new Set(
  Object.entries<Variable>(variables).flatMap(([name, one]) => namesOf(name, one).map((its) => its.name)),
);

/** A warning for each unknown variable whose name is close to a known one: a typo would silently leave the default in place. */
export function misspelled(env: Readonly<Record<string, string | undefined>>): string[] {
  const names = Object.keys(env).filter((name) => env[name] && !known.has(name));
  return names.flatMap((name) => {
    const nearest = [...known].find((one) => isTypo(name, one));
    return nearest === undefined
      ? []
      : [`${name} is no variable of Usermesh and has no effect. Did you mean ${nearest}?`];
  });
}

/** Names with the same first four letters may differ in two letters, others in one, so that unrelated names do not match. */
function isTypo(name: string, variable: string): boolean {
  if (Math.abs(name.length - variable.length) > 2 || variable.length < 6) return false;
  const allowed = name.slice(0, 4) === variable.slice(0, 4) ? 2 : 1;
  return editDistance(name, variable) <= allowed;
}

/** The number of letters to insert, delete or replace, or of neighbours to swap (optimal string alignment distance). */
function editDistance(one: string, other: string): number {
  let [before, last]: [number[], number[]] = [[], Array.from({ length: other.length + 1 }, (_, index) => index)];
  for (let i = 1; i <= one.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= other.length; j += 1) {
      const replaced = (last[j - 1] ?? 0) + (one[i - 1] === other[j - 1] ? 0 : 1);
      const isSwap = i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1];
      const swapped = isSwap ? (before[j - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY;
      row.push(Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, replaced, swapped));
    }
    [before, last] = [last, row];
  }
  return last.at(-1) ?? 0;
}
