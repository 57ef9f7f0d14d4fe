import { browserStorage, createClient, UsermeshError } from "@usermesh/client";

const { usermesh: url } = JSON.parse(document.querySelector("#settings").textContent);
const [form, main, status] = ["form", "main", "[role=status]"].map((one) => document.querySelector(one));
// The storage is shared by all tabs, so that one of them refreshes for all.
const usermesh = createClient({ url, storage: browserStorage(), onSignedOut: () => show() });

function show() {
  form.hidden = usermesh.isSignedIn();
  main.hidden = !usermesh.isSignedIn();
}

/** Runs an action of the user, and shows the error if it fails. */
async function run(work, progress) {
  status.textContent = progress;
  try {
    await work();
    status.textContent = "";
  } catch (error) {
    status.textContent = error instanceof UsermeshError ? `${error.code}: ${error.message}` : String(error);
  }
  show();
}

async function greet() {
  const me = await usermesh.get("/api/v1/users/me");
  document.querySelector("#greeting").textContent = `Signed in as ${me.email}, ${me.subscription.tier}`;
}

async function signIn() {
  await usermesh.signIn(Object.fromEntries(new FormData(form)));
  form.reset();
  await greet();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  run(signIn, "Signing in…");
});
document.querySelector("#reload").addEventListener("click", () => run(greet, "Loading…"));
document.querySelector("#sign-out").addEventListener("click", () => run(usermesh.signOut, "Signing out…"));
// Another tab has signed in or out.
addEventListener("storage", show);
show();
if (usermesh.isSignedIn()) run(greet, "Loading…");
