// The token leaves the address bar at once: it must not stay in the history or be sent on as a referrer.
const token = new URLSearchParams(location.search).get("token") ?? "";
if (token !== "") history.replaceState(null, "", location.pathname);

/** Posts the token with what the form holds, once at a time, and says how it went. */
export function postToken(path, { body, done }) {
  const form = document.querySelector("form");
  const status = document.querySelector("[role=status]");
  const button = form.querySelector("button");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    status.textContent = "One moment…";
    const outcome = await send(path, { token, ...body(new FormData(form)) });
    status.textContent = outcome.ok ? done : outcome.message;
    form.hidden = outcome.ok;
    button.disabled = false;
  });
}

async function send(path, body) {
  try {
    const response = await fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const answer = await response.json();
    const [first] = answer.errors ?? [];
    return { ok: response.ok, message: first ? `${first.field}: ${first.message}` : answer.message };
  } catch {
    return { ok: false, message: "The server could not be reached. Try again." };
  }
}
