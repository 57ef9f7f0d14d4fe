import type { ActionName } from "../../../lib/actions/typed-call.ts";
import type { ApiRoute } from "../routes.ts";

const admin = "/api/v1/admin";

const signedIn = { kind: "api", status: 200, limit: "default", auth: "user", tag: "Admin" } as const;
const get = { ...signedIn, method: "GET", input: "none" } as const;
const list = { ...signedIn, method: "GET", input: "query", list: "page" } as const;
const whole = { ...get, list: "whole" } as const;

function writing(action: ActionName, input: "body" | "none" = "body") {
  return { ...signedIn, action, input, commit: action } as const;
}

/** The governance of tenants and of the installation; part of the table in routes.ts. */
// biome-ignore format: a table reads by rows
export const adminRoutes: readonly ApiRoute[] = [
  { ...writing("users.adminUpdate"), method: "PUT", path: `${admin}/users/{id}`, message: "User updated.",
    summary: "Change a user, his roles and his subscription" },
  { ...writing("users.adminUpdate"), method: "PATCH", path: `${admin}/users/{id}`, message: "User updated.",
    summary: "Change a user, his roles and his subscription" },
  { ...whole, path: `${admin}/users/{user_id}/sessions`, action: "sessions.listForUser", message: "Sessions of the user.",
    summary: "One user's sessions and devices" },
  { ...writing("sessions.revokeForUser", "none"), method: "DELETE", path: `${admin}/users/{user_id}/sessions`,
    message: "All sessions of the user have ended.", summary: "End every session of a user" },

  { ...whole, path: `${admin}/roles`, action: "users.roles", message: "Roles.", summary: "The roles of the tenant" },
  { ...writing("users.createRole"), method: "POST", path: `${admin}/roles`, status: 201, message: "Role created.",
    summary: "Make a role: a named set of permissions, none that you lack" },
  { ...writing("users.updateRole"), method: "PUT", path: `${admin}/roles/{name}`, message: "Role changed.",
    summary: "Change what a role permits, in force at the next request" },
  { ...writing("users.deleteRole", "none"), method: "DELETE", path: `${admin}/roles/{name}`, message: "Role deleted.",
    summary: "Delete a role and take it from all who have it" },

  { ...list, path: `${admin}/tenants`, action: "users.tenants", message: "Tenants.", summary: "All tenants" },
  { ...writing("users.createTenant"), method: "POST", path: `${admin}/tenants`, status: 201,
    message: "Tenant created. Its first administrator is invited by mail.",
    summary: "Make a tenant and invite its first administrator" },
  { ...get, path: `${admin}/tenants/{id}`, action: "users.tenant", message: "Tenant.", summary: "One tenant" },
  { ...writing("users.updateTenant"), method: "PATCH", path: `${admin}/tenants/{id}`, message: "Tenant changed.",
    summary: "Change a tenant's name and settings" },

  { ...get, path: `${admin}/metrics`, action: "admin.metrics", message: "Figures of the installation.",
    summary: "Accounts, logins, sessions, queues and breakers" },
  { ...whole, path: `${admin}/queues`, action: "admin.queues", message: "Queues.", summary: "Queues and their depths" },
  { ...list, path: `${admin}/queues/{name}/failed`, action: "admin.failedJobs", message: "Dead letters, latest first.",
    summary: "The dead letters of a queue" },
  { ...signedIn, method: "POST", path: `${admin}/queues/{name}/retry`, action: "admin.retryJobs", input: "body",
    message: "Dead letters are due again.", summary: "Retry one dead letter, or up to 100 of the latest" },
  { ...signedIn, method: "DELETE", path: `${admin}/queues/{name}/failed/{job}`, action: "admin.dropJob", input: "none",
    message: "Dead letter dropped.", summary: "Drop a dead letter for good" },
  { ...get, path: `${admin}/mesh`, action: "admin.mesh", message: "The mesh.",
    summary: "Nodes, services, versions, open breakers, queue depths" },
];
