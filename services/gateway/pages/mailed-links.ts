import type { Handler } from "../http/request-context.ts";
import { html, layout } from "./html-page.ts";

const verify = html(
  layout({
    title: "Verify your email address",
    script: "verify-email.js",
    main: `<p>Confirm that this email address belongs to you.</p>
<form>
<button type="submit">Verify email address</button>
</form>
<p role="status" aria-live="polite"></p>`,
  }),
);

/** The GET does not use the token, so mail scanners cannot: only the button posts it. */
export const verifyEmailPage: Handler = () => verify;

const reset = html(
  layout({
    title: "Choose a new password",
    script: "reset-password.js",
    main: `<form>
<p><label for="new-password">New password</label>
<input id="new-password" name="new_password" type="password" autocomplete="new-password" required></p>
<p><label for="confirm-password">Confirm new password</label>
<input id="confirm-password" name="confirm_password" type="password" autocomplete="new-password" required></p>
<button type="submit">Change password</button>
</form>
<p role="status" aria-live="polite"></p>`,
  }),
);

export const resetPasswordPage: Handler = () => reset;
