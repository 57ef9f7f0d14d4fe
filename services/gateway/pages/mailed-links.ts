import type { Handler } from "../http/request-context.ts";
import type { HttpResponse } from "../http/response.ts";
import { html, htmlDocument } from "./html-page.ts";

function formPage(title: string, script: string, form: string): HttpResponse {
  const head = `<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<link rel="stylesheet" href="/assets/page.css">
<script type="module" src="/assets/${script}"></script>`;
  const body = `<main>
<h1>${title}</h1>
${form}
<p role="status" aria-live="polite"></p>
<noscript><p>This page needs JavaScript to send the form.</p></noscript>
</main>`;
  return html(htmlDocument(title, head, body));
}

const verifyEmail = formPage(
  "Verify your email address",
  "verify-email.js",
  `<p>Confirm that this email address belongs to you.</p>
<form>
<button type="submit">Verify email address</button>
</form>`,
);

const resetPassword = formPage(
  "Choose a new password",
  "reset-password.js",
  `<form>
<p><label for="new-password">New password</label>
<input id="new-password" name="new_password" type="password" autocomplete="new-password" required></p>
<p><label for="confirm-password">Confirm new password</label>
<input id="confirm-password" name="confirm_password" type="password" autocomplete="new-password" required></p>
<button type="submit">Change password</button>
</form>`,
);

/** Opening the page does not use up the token, because mail scanners open links: only the button posts it. */
export const verifyEmailPage: Handler = () => verifyEmail;
export const resetPasswordPage: Handler = () => resetPassword;
