import { postToken } from "./post-token.js";

postToken("/api/v1/auth/password-reset-confirm", {
  body: (form) => ({ new_password: form.get("new_password"), confirm_password: form.get("confirm_password") }),
  done: "Your password has been changed. You can now sign in with it.",
});
