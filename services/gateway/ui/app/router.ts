import { batch, signal } from "@preact/signals";
import { config } from "./config.ts";

/** The query of the URL, such as `?q=ada`. Lists keep their filters in it, so that "back" leads to the same list. */
export const query = signal(location.search);

/** The path of the page below our base path, as a signal: pages with several sections follow it. */
export const path = signal(readPath());

/** For `onClick` of a link to a section of the same page. A click that opens a new tab stays with the browser. */
export function followLink(event: MouseEvent): void {
  const link = event.currentTarget as HTMLAnchorElement;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || event.button !== 0) return;
  event.preventDefault();
  goTo(link.href);
}

/** Shows another section of the same page. */
export function goTo(url: string): void {
  history.pushState(null, "", url);
  readLocation();
  scrollTo(0, 0);
}

/** Replaces parameters of the query; empty ones are left out. */
export function changeQuery(changes: Readonly<Record<string, string>>): void {
  const params = new URLSearchParams(query.value);
  for (const [name, value] of Object.entries(changes)) value === "" ? params.delete(name) : params.set(name, value);
  history.replaceState(null, "", location.pathname + (params.size === 0 ? "" : `?${params}`));
  readLocation();
}

addEventListener("popstate", readLocation);

function readLocation(): void {
  batch(() => {
    path.value = readPath();
    query.value = location.search;
  });
}

function readPath(): string {
  return location.pathname.slice(config.base.length).replace(/(.)\/+$/, "$1");
}
