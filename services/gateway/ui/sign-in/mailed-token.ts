import { config } from "../app/config.ts";
import { linkTo } from "../app/return-to.ts";

/**
 * The token of a mailed link: in its fragment, which reaches no server and no referrer (ASVS 5.0 V14.2.1), or in the query
 * of older links. It is taken out of the address bar, so that it is not in the history, and kept for this tab: phones load
 * a background tab again when its reader comes back to it.
 */
export function takeMailedToken(): string {
  const key = `usermesh.token${location.pathname}`;
  // A link that is opened in a tab with this page changes the fragment only, which loads nothing.
  addEventListener("hashchange", () => readToken(location.hash) !== null && location.reload());
  const sent = readToken(location.hash) ?? readToken(location.search);
  if (sent === null) return readKept(key);
  history.replaceState(null, "", linkTo(location.pathname.slice(config.base.length)));
  try {
    sessionStorage.setItem(key, sent);
  } catch {
    // Storage may be forbidden. A reload then loses the token, and the page says so.
  }
  return sent;
}

/** `parameters` is a fragment or a query, including its first character, `#` or `?`. */
function readToken(parameters: string): string | null {
  return new URLSearchParams(parameters.slice(1)).get("token");
}

/** To be called once the token has been spent. */
export function forgetMailedToken(): void {
  try {
    sessionStorage.removeItem(`usermesh.token${location.pathname}`);
  } catch {
    // Nothing was kept then.
  }
}

function readKept(key: string): string {
  try {
    return sessionStorage.getItem(key) ?? "";
  } catch {
    return "";
  }
}
