import { html, layout, type Page } from "./html-page.ts";

const verify = html(
  layout({
    title: "Verify your email address",
    script: "verify-email.js",
    main: `<p>Confirm that this address is yours.</p>
<form>
<button type="submit">Verify my address</button>
</form>
<p role="status" aria-live="polite"></p>`,
  }),
);

/** A link scanner's GET spends nothing: only the button posts the token. */
export const verifyEmailPage: Page = () => verify;

const reset = html(
  layout({
    title: "Choose a new password",
    script: "reset-password.js",
    main: `<form>
<p><label for="new-password">New password</label>
<input id="new-password" name="new_password" type="password" autocomplete="new-password" required></p>
<p><label for="confirm-password">New password again</label>
<input id="confirm-password" name="confirm_password" type="password" autocomplete="new-password" required></p>
<button type="submit">Set the password</button>
</form>
<p role="status" aria-live="polite"></p>`,
  }),
);

export const resetPasswordPage: Page = () => reset;
