import type { Config } from "../config/config.ts";

export type SslOption =
  | false
  | { readonly rejectUnauthorized: boolean; readonly ca?: string; readonly cert?: string; readonly key?: string };

export function sslOption({ database: { ssl, certificates } }: Pick<Config, "database">): SslOption {
  return ssl === "off" ? false : { rejectUnauthorized: ssl === "verify", ...certificates };
}
