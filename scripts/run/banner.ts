import type { AdminAccount } from "./seed-admin.ts";
import { formatTable } from "./terminal.ts";

interface BannerContent {
  /** Of each gateway. */
  readonly urls: readonly string[];
  readonly admin: AdminAccount | undefined;
  readonly hasMailbox: boolean;
  readonly servers: ReadonlyArray<readonly [name: string, description: string]>;
  readonly processes?: ReadonlyArray<readonly [name: string, description: string]>;
}

/** What a successful start prints: addresses, the administrator, servers and processes. */
export function banner({ urls, admin, hasMailbox, servers, processes = [] }: BannerContent): string {
  const [url = ""] = urls;
  const rows = formatTable([
    ...urls.map((one, index) => [index === 0 ? "API" : "", `${one}/api/v1`] as const),
    ["Docs", `${url}/docs`],
    ...(hasMailbox ? [["Mails", `${url}/dev/mail`] as const] : []),
    ...(admin
      ? ([
          ["Admin", admin.email],
          ["Password", admin.password],
        ] as const)
      : []),
    [],
    ...servers,
    ...(processes.length > 0 ? [[] as const, ...processes] : []),
  ]);
  return `\nUsermesh is ready. Press Ctrl-C to stop.\n\n${rows}\n`;
}
