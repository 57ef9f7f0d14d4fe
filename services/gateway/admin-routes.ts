import { get, idempotent, json, list, wholeList } from "./route-defaults.ts";
import type { ApiRoute } from "./routes.types.ts";

const admin = "/api/v1/admin";

type Untagged<R> = R extends ApiRoute ? Omit<R, "tag"> : never;

/** Administration of users, roles, tenants and the installation; part of the table in routes.ts. */
// biome-ignore format: one route per row
const rows: readonly Untagged<ApiRoute>[] = [
  { ...list, path: `${admin}/users`, action: "users.list", message: "Users.",
    summary: "List and search the tenant's users" },
  { ...get, path: `${admin}/users/{id}`, action: "users.adminGet", message: "User.", summary: "One user" },
  { ...json, ...idempotent("users.adminUpdate"), method: "PUT", path: `${admin}/users/{id}`, message: "User updated.",
    summary: "Change a user, their roles and their subscription" },
  { ...json, ...idempotent("users.adminUpdate"), method: "PATCH", path: `${admin}/users/{id}`,
    message: "User updated.", summary: "Change a user, their roles and their subscription" },
  { ...json, ...idempotent("users.adminDelete"), method: "DELETE", path: `${admin}/users/{id}`,
    message: "Account deleted. It will be erased at the scheduled time.", summary: "Delete an account" },
  { ...get, path: `${admin}/users/{id}/erasure`, action: "users.erasure", message: "Erasure status.",
    summary: "Progress of an erasure and, once completed, its certificate" },
  { ...json, ...idempotent("users.setStatus"), method: "PUT", path: `${admin}/users/{id}/status`,
    message: "Status changed.", summary: "Activate or deactivate a user" },
  { ...list, path: `${admin}/users/{user_id}/activity`, action: "admin.userActivity",
    message: "The user's activity.", summary: "One user's activity log" },
  { ...wholeList, path: `${admin}/users/{user_id}/sessions`, action: "sessions.listForUser",
    message: "The user's sessions.", summary: "One user's sessions and devices" },
  { ...json, ...idempotent("sessions.revokeForUser"), method: "DELETE", path: `${admin}/users/{user_id}/sessions`,
    input: "none", message: "All of the user's sessions have been revoked.",
    summary: "Revoke all of a user's sessions" },
  { ...list, path: `${admin}/activity`, action: "admin.activity", message: "The tenant's activity.",
    summary: "The tenant's activity log" },

  { ...wholeList, path: `${admin}/roles`, action: "users.roles", message: "Roles.", summary: "The tenant's roles" },
  { ...json, ...idempotent("users.createRole"), method: "POST", path: `${admin}/roles`, status: 201,
    message: "Role created.", summary: "Create a role; you must hold every permission it grants" },
  { ...json, ...idempotent("users.updateRole"), method: "PUT", path: `${admin}/roles/{name}`,
    message: "Role updated.", summary: "Change a role's permissions, effective from the next request" },
  { ...json, ...idempotent("users.deleteRole"), method: "DELETE", path: `${admin}/roles/{name}`, input: "none",
    message: "Role deleted.", summary: "Delete a role and remove it from everyone who has it" },

  { ...list, path: `${admin}/tenants`, action: "users.tenants", message: "Tenants.", summary: "All tenants" },
  { ...json, ...idempotent("users.createTenant"), method: "POST", path: `${admin}/tenants`, status: 201,
    message: "Tenant created. Its first administrator will receive an invitation by mail.",
    summary: "Create a tenant and invite its first administrator" },
  { ...get, path: `${admin}/tenants/{id}`, action: "users.tenant", message: "Tenant.", summary: "One tenant" },
  { ...json, ...idempotent("users.updateTenant"), method: "PATCH", path: `${admin}/tenants/{id}`,
    message: "Tenant updated.", summary: "Change a tenant's name and settings" },

  { ...get, path: `${admin}/metrics`, action: "admin.metrics", message: "Metrics of the installation.",
    summary: "Accounts, logins, sessions, queues and circuit breakers" },
  { ...wholeList, path: `${admin}/queues`, action: "admin.queues", message: "Queues.",
    summary: "Queues and their depth" },
  { ...list, path: `${admin}/queues/{name}/failed`, action: "admin.failedJobs", message: "Dead letters, newest first.",
    summary: "The dead letters of a queue" },
  { ...json, method: "POST", path: `${admin}/queues/{name}/retry`, action: "admin.retryJobs",
    message: "Dead letters requeued.", summary: "Retry one dead letter, or up to 100 of the newest" },
  { ...json, method: "DELETE", path: `${admin}/queues/{name}/failed/{job}`, action: "admin.dropJob", input: "none",
    message: "Dead letter deleted.", summary: "Delete a dead letter permanently" },
  { ...get, path: `${admin}/mesh`, action: "admin.mesh", message: "Nodes and services.",
    summary: "Nodes, services, versions, open circuit breakers and queue depths" },
];

export const adminRoutes: readonly ApiRoute[] = rows.map((row) => ({ ...row, tag: "Admin" }));
