import type { ActionName } from "../../lib/actions/typed-call.ts";
import type { ApiRoute } from "./routes.ts";

const admin = "/api/v1/admin";

const signedIn = { kind: "api", status: 200, rateLimit: "default", auth: "user", tag: "Admin" } as const;
const get = { ...signedIn, method: "GET", input: "none" } as const;
const list = { ...signedIn, method: "GET", input: "query", list: "page" } as const;
const whole = { ...get, list: "whole" } as const;

function writing(action: ActionName, input: "body" | "none" = "body") {
  return { ...signedIn, action, input, idempotentAction: action } as const;
}

/** The governance of tenants and of the installation; part of the table in routes.ts. */
// biome-ignore format: a table reads by rows
export const adminRoutes: readonly ApiRoute[] = [
  { ...writing("users.adminUpdate"), method: "PUT", path: `${admin}/users/{id}`, message: "User updated.",
    summary: "Change a user, their roles and their subscription" },
  { ...writing("users.adminUpdate"), method: "PATCH", path: `${admin}/users/{id}`, message: "User updated.",
    summary: "Change a user, their roles and their subscription" },
  { ...whole, path: `${admin}/users/{user_id}/sessions`, action: "sessions.listForUser", message: "The user's sessions.",
    summary: "One user's sessions and devices" },
  { ...writing("sessions.revokeForUser", "none"), method: "DELETE", path: `${admin}/users/{user_id}/sessions`,
    message: "All of the user's sessions have been revoked.", summary: "Revoke all of a user's sessions" },

  { ...whole, path: `${admin}/roles`, action: "users.roles", message: "Roles.", summary: "The tenant's roles" },
  { ...writing("users.createRole"), method: "POST", path: `${admin}/roles`, status: 201, message: "Role created.",
    summary: "Create a role; you must hold every permission it grants" },
  { ...writing("users.updateRole"), method: "PUT", path: `${admin}/roles/{name}`, message: "Role updated.",
    summary: "Change a role's permissions, effective from the next request" },
  { ...writing("users.deleteRole", "none"), method: "DELETE", path: `${admin}/roles/{name}`, message: "Role deleted.",
    summary: "Delete a role and remove it from everyone who has it" },

  { ...list, path: `${admin}/tenants`, action: "users.tenants", message: "Tenants.", summary: "All tenants" },
  { ...writing("users.createTenant"), method: "POST", path: `${admin}/tenants`, status: 201,
    message: "Tenant created. Its first administrator will receive an invitation by mail.",
    summary: "Create a tenant and invite its first administrator" },
  { ...get, path: `${admin}/tenants/{id}`, action: "users.tenant", message: "Tenant.", summary: "One tenant" },
  { ...writing("users.updateTenant"), method: "PATCH", path: `${admin}/tenants/{id}`, message: "Tenant updated.",
    summary: "Change a tenant's name and settings" },

  { ...get, path: `${admin}/metrics`, action: "admin.metrics", message: "Metrics of the installation.",
    summary: "Accounts, logins, sessions, queues and circuit breakers" },
  { ...whole, path: `${admin}/queues`, action: "admin.queues", message: "Queues.", summary: "Queues and their depth" },
  { ...list, path: `${admin}/queues/{name}/failed`, action: "admin.failedJobs", message: "Dead letters, newest first.",
    summary: "The dead letters of a queue" },
  { ...signedIn, method: "POST", path: `${admin}/queues/{name}/retry`, action: "admin.retryJobs", input: "body",
    message: "Dead letters requeued.", summary: "Retry one dead letter, or up to 100 of the newest" },
  { ...signedIn, method: "DELETE", path: `${admin}/queues/{name}/failed/{job}`, action: "admin.dropJob", input: "none",
    message: "Dead letter deleted.", summary: "Delete a dead letter permanently" },
  { ...get, path: `${admin}/mesh`, action: "admin.mesh", message: "Nodes and services.",
    summary: "Nodes, services, versions, open circuit breakers and queue depths" },
];
