import { htmlPage, page } from "./route-defaults.ts";
import type { PageRoute } from "./routes.types.ts";

/** Pages for people, and what browsers ask for beside them. */
// biome-ignore format: one route per row
export const pageRoutes: readonly PageRoute[] = [
  { ...htmlPage, path: "/login", page: "login", summary: "Sign-in page" },
  { ...htmlPage, path: "/register", page: "register", summary: "Page to create an account" },
  { ...htmlPage, path: "/forgot-password", page: "forgotPassword", summary: "Page to request a password reset link" },
  { ...htmlPage, path: "/reset-password", page: "resetPassword", summary: "Page the mailed reset link opens" },
  { ...htmlPage, path: "/account", page: "account", summary: "Account page: profile" },
  { ...htmlPage, path: "/account/{section}", page: "account", summary: "Account page: its other sections" },
  { ...htmlPage, path: "/admin", page: "admin", summary: "Admin console: overview" },
  { ...htmlPage, path: "/admin/{section}", page: "admin", summary: "Admin console: its other sections" },
  { ...htmlPage, path: "/admin/accounts/{id}", page: "admin", summary: "Admin console: one account" },
  { ...htmlPage, path: "/admin/tenants/{id}", page: "admin", summary: "Admin console: one tenant" },
  { ...htmlPage, path: "/admin/webhooks/{id}", page: "admin", summary: "Admin console: one webhook" },
  { ...htmlPage, path: "/mesh", page: "admin", summary: "Mesh view: nodes, services and the calls between them, live" },
  { ...page, path: "/favicon.svg", page: "favicon", contentType: "image/svg+xml", summary: "The brand's logo" },
  { ...page, path: "/favicon.ico", page: "favicon", contentType: "image/svg+xml", summary: "The brand's logo" },
  { ...page, path: "/brand/{logo}", page: "tenantLogo", contentType: "image/png", summary: "A tenant's logo" },
  { ...page, path: "/brand/colors/{color}", page: "brandColors", contentType: "text/css", summary: "The colours that follow from a tenant's" },
  { ...htmlPage, path: "/.well-known/change-password", page: "changePassword",
    summary: "Redirects to the page where the password is changed" },
];
