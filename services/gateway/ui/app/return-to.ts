import { config, pathTo } from "./config.ts";

/** Where to go after a sign-in: `return_to` if it is a path of this origin or a configured URL, else the account page. */
export function readReturnTo(search = location.search): string {
  const sent = new URLSearchParams(search).get("return_to");
  return sent !== null && isAllowed(sent) ? sent : pathTo("/account");
}

/** Browsers read `/\host` and `//host` as another host, and skip tabs and line breaks: the parsed origin decides. */
function isAllowed(target: string): boolean {
  if (config.returnUrls.includes(target)) return true;
  if (!target.startsWith("/") || !URL.canParse(target, location.origin)) return false;
  const url = new URL(target, location.origin);
  return url.origin === location.origin && !/[\\\s]/.test(target);
}

/** A link between the sign-in pages that keeps where to return to, and the tenant. */
export function linkTo(path: string, search = location.search): string {
  const sent = new URLSearchParams(search);
  const kept = new URLSearchParams();
  for (const name of ["return_to", "tenant", "lang"]) {
    const value = sent.get(name);
    if (value !== null) kept.set(name, value);
  }
  return pathTo(path) + (kept.size === 0 ? "" : `?${kept}`);
}
