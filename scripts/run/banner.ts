import { styleText } from "node:util";
import type { AdminAccount } from "./seed-admin.ts";
import { formatTable } from "./terminal.ts";

interface BannerContent {
  /** Of each gateway. */
  readonly urls: readonly string[];
  /** If the first gateway has another port than the expected one. */
  readonly port?: string | undefined;
  readonly admin: AdminAccount | undefined;
  readonly hasMailbox: boolean;
  readonly servers: ReadonlyArray<readonly [name: string, description: string]>;
  readonly processes?: ReadonlyArray<readonly [name: string, description: string]>;
}

/** What a successful start prints: addresses, the administrator, servers and processes. */
export function banner({ urls, port, admin, hasMailbox, servers, processes = [] }: BannerContent): string {
  const [url = ""] = urls;
  const rows = formatTable([
    ...urls.map((one, index) => [index === 0 ? "Start" : "", one] as const),
    ...(port === undefined ? [] : [["Port", port] as const]),
    ["API", `${url}/docs`],
    ...(hasMailbox ? [["Mails", `${url}/dev/mail`] as const] : []),
    ...(admin
      ? ([
          ["Admin", admin.email],
          ["Password", admin.password],
          ...(admin.reset === undefined ? [] : [["", admin.reset] as const]),
        ] as const)
      : []),
    [],
    ...servers,
    ...(processes.length > 0 ? [[] as const, ...processes] : []),
  ]);
  return `\n${styleText(["bold", "green"], "Usermesh is ready.")} Press Ctrl-C to stop.\n\n${rows}\n`;
}
