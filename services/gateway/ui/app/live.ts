import { pathTo } from "./config.ts";
import { goToSignIn, mayEndUnexpectedly, refreshSession } from "./session.ts";

const REOPEN_MS = 5_000;

/**
 * Listens to what happens to this session elsewhere. When it ends, the browser goes to the sign-in page at once; when the
 * account or its permissions change, the token is refreshed and `onChange` reads everything again. It also does so when the
 * reader comes back to the tab.
 */
export function watchSession(onChange: () => void): void {
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && onChange());
  channel?.addEventListener("message", onChange);
  openStream(onChange);
}

const channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel("usermesh.changes");

/** Tells the other tabs of this browser that something has been changed. */
export function announceChange(): void {
  channel?.postMessage(null);
}

function openStream(onChange: () => void): void {
  const stream = new EventSource(pathTo("/api/v1/users/me/events"));
  const renew = () => {
    stream.close();
    refreshSession().then(
      () => {
        onChange();
        openStream(onChange);
      },
      () => setTimeout(() => openStream(onChange), REOPEN_MS),
    );
  };
  stream.addEventListener("session_ended", () => {
    stream.close();
    if (mayEndUnexpectedly()) goToSignIn("session_ended");
  });
  stream.addEventListener("token_stale", renew);
  stream.addEventListener("token_expired", renew);
  // The browser reconnects by itself, but not after an answer with an error, such as 401 for an expired token.
  stream.addEventListener("error", () => {
    if (stream.readyState === EventSource.CLOSED) setTimeout(renew, REOPEN_MS);
  });
}
