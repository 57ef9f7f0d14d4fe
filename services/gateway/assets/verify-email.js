import { postToken } from "./post-token.js";

postToken("/api/v1/auth/verify-email", {
  body: () => ({}),
  done: "Your email address is verified. You can close this page.",
});
