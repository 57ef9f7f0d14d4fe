// Removes the token from the address bar, so that it is neither kept in the history nor sent as a referrer.
const token = new URLSearchParams(location.search).get("token") ?? "";
if (token !== "") history.replaceState(null, "", location.pathname);

/** Posts the token with the form's fields, and shows the outcome. The button is disabled meanwhile. */
export function postToken(path, { body, done }) {
  const form = document.querySelector("form");
  const status = document.querySelector("[role=status]");
  const button = form.querySelector("button");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    status.textContent = "Sending…";
    const outcome = await send(path, { token, ...body(new FormData(form)) });
    status.textContent = outcome.ok ? done : messageOf(form, outcome);
    form.hidden = outcome.ok;
    button.disabled = false;
  });
}

/** Marks and focuses the field that was refused, and names it by its label. */
function messageOf(form, { message, error }) {
  const fields = [...form.querySelectorAll("input")];
  for (const field of fields) field.setAttribute("aria-invalid", String(field.name === error?.field));
  const wrong = fields.find((field) => field.name === error?.field);
  wrong?.focus();
  if (!error) return message;
  return `${wrong?.labels[0].textContent ?? error.field}: ${error.message}`;
}

async function send(path, body) {
  try {
    const response = await fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const answer = await response.json();
    return { ok: response.ok, message: answer.message, error: answer.errors?.[0] };
  } catch {
    return { ok: false, message: "The server could not be reached. Check your connection and try again." };
  }
}
