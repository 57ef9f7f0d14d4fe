import type { ActionName } from "../../../lib/actions/typed-call.ts";

const password = "Difference-Engine-1";
const mailedToken = "paste-the-token-of-the-mailed-link";

/** A body for each action, which works unchanged for the person whom the first example registers, with that person's tokens. */
export const requestExamples: Partial<Record<ActionName, object>> = {
  "auth.register": { email: "ada@example.com", password, full_name: "Ada Lovelace" },
  "auth.login": { email: "ada@example.com", password, device_name: "Swagger UI" },
  "auth.restoreAccount": { email: "ada@example.com", password },
  "auth.refresh": { refresh_token: "paste-the-newest-refresh-token" },
  "sessions.logout": {},
  "gateway.introspect": { token: "paste-an-access-token" },
  "auth.changePassword": { current_password: password, new_password: "Analytical-Engine-2" },
  "auth.requestReset": { email: "ada@example.com" },
  "auth.confirmReset": { token: mailedToken, new_password: "Analytical-Engine-2" },
  "auth.requestVerification": { email: "ada@example.com" },
  "auth.verifyEmail": { token: mailedToken, password },
  "auth.oauthExchange": { code: "paste-the-code-of-the-redirection" },
  "auth.linkIdentity": {},
  "users.updateMe": { current_title: "Mathematician", company: "Analytical Engines", location: "London" },
  "users.updateProfile": { headline: "First programmer", skills: ["analysis", "poetry"], languages: ["en", "fr"] },
  "users.updateWholeProfile": { name: "Ada Lovelace", job_title: "Mathematician", industry: "Computing" },
  "preferences.updateMe": { notification_push: false, remote: true, salary_min: 90_000, salary_currency: "GBP" },
  "users.deleteMe": { password },
  "users.upgrade": { plan: "monthly" },
  "users.invite": { email: "grace@example.com", full_name: "Grace Hopper" },
  "users.adminCreate": { email: "grace@example.com", full_name: "Grace Hopper" },
  "auth.sendLink": { kind: "password_reset" },
  "users.deleteTenant": {},
  "users.adminUpdate": { full_name: "Grace Hopper", is_verified: true },
  "users.adminDelete": {},
  "users.setStatus": { is_active: false, reason: "Asked for by the owner" },
  "users.createRole": { name: "support-agent", permissions: ["users:read"] },
  "users.updateRole": { permissions: ["users:read", "activity:read"] },
  "users.createTenant": { slug: "acme", name: "Acme", admin_email: "admin@acme.example" },
  "users.updateTenant": { name: "Acme Limited", settings: { max_users: 100 } },
  "webhooks.create": { url: "https://hooks.example.com/usermesh", event_types: ["user.created", "user.erased"] },
  "webhooks.update": { description: "Customer database", is_enabled: true },
  "admin.retryJobs": {},
};
