import { signal } from "@preact/signals";
import { pathTo } from "../app/config.ts";

export interface CaughtMail {
  readonly id: string;
  readonly from: string;
  readonly to: readonly string[];
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly received_at: string;
}

const POLL_MS = 2_000;

/** Newest first; null until they have been read. */
export const mails = signal<readonly CaughtMail[] | null>(null);
/** The last attempt to read them has failed. */
export const isOffline = signal(false);

let known = "";
let timer: ReturnType<typeof setTimeout> | undefined;

/** Reads the mails now, and again every other second while the page is in front. */
export function followMailbox(): void {
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && void poll());
  void poll();
}

async function poll(): Promise<void> {
  clearTimeout(timer);
  isOffline.value = !(await read().then(
    () => true,
    () => false,
  ));
  clearTimeout(timer);
  if (document.visibilityState === "visible") timer = setTimeout(poll, POLL_MS);
}

async function read(): Promise<void> {
  const headers = { Accept: "application/json", ...(known !== "" && { "If-None-Match": known }) };
  const response = await fetch(pathTo("/dev/mail"), { headers });
  if (response.status === 304) return;
  if (!response.ok) throw new Error(`${response.status}`);
  const { data } = (await response.json()) as { data: readonly CaughtMail[] };
  known = response.headers.get("ETag") ?? "";
  mails.value = data;
}

/** Rejects if the mailbox could not be emptied. */
export async function emptyMailbox(): Promise<void> {
  const response = await fetch(pathTo("/dev/mail"), { method: "DELETE", headers: { Accept: "application/json" } });
  if (!response.ok) throw new Error(`${response.status}`);
  await poll();
}
