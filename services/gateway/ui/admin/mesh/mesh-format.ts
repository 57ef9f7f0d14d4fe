import { config } from "../../app/config.ts";
import { t } from "../../app/messages.ts";

const one = new Intl.NumberFormat(config.language, { maximumFractionDigits: 1 });
const whole = new Intl.NumberFormat(config.language, { maximumFractionDigits: 0 });

export const formatRate = (perSecond: number): string => t("mesh.per_second", { rate: one.format(perSecond) });

export function formatMs(ms: number | null): string {
  if (ms === null) return "–";
  if (ms >= 1_000) return `${one.format(ms / 1_000)} s`;
  return `${(ms < 10 ? one : whole).format(ms)} ms`;
}

export const formatMegabytes = (bytes: number): string => `${whole.format(bytes / 1_048_576)} MB`;

/** "3 min", "2 h", "5 d". */
export function formatUptime(seconds: number): string {
  if (seconds < 60) return `${whole.format(seconds)} s`;
  if (seconds < 3_600) return `${whole.format(seconds / 60)} min`;
  if (seconds < 86_400) return `${whole.format(seconds / 3_600)} h`;
  return `${whole.format(seconds / 86_400)} d`;
}
