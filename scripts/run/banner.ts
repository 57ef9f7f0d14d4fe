import { formatTable } from "./terminal.ts";

interface BannerContent {
  /** Of each gateway. */
  readonly urls: readonly string[];
  readonly admin: string | undefined;
  readonly mails: boolean;
  readonly parts: ReadonlyArray<readonly [name: string, what: string]>;
  readonly processes?: ReadonlyArray<readonly [name: string, what: string]>;
}

/** What runs, what is embedded, and where to look. */
export function banner({ urls, admin, mails, parts, processes = [] }: BannerContent): string {
  const [url = ""] = urls;
  const rows = formatTable([
    ...urls.map((one, index) => [index === 0 ? "API" : "", `${one}/api/v1`] as const),
    ["Docs", `${url}/docs`],
    ...(mails ? [["Mails", `${url}/dev/mail`] as const] : []),
    ...(admin === undefined ? [] : [["Admin", admin] as const]),
    [],
    ...parts,
    ...(processes.length > 0 ? [[] as const, ...processes] : []),
  ]);
  return `\nUsermesh is ready. Ctrl-C stops it.\n\n${rows}\n`;
}
