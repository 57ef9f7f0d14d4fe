/** The words of a command line. Quotes group words, as in a shell; JSON in braces stays one word. */
export function splitWords(line: string): string[] {
  return [...line.matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'|(\{.*\})|(\S+)/gs)].map(
    ([, double, single, json, plain]) => double?.replace(/\\(.)/g, "$1") ?? single ?? json ?? plain ?? "",
  );
}
