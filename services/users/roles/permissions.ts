/** All permissions that a role can grant. Services hold the `requiredPermissions` of their contracts instead. */
export const permissions = {
  "users:read": "see the accounts of the tenant",
  "users:write": "change and deactivate the accounts of the tenant",
  "activity:read": "read the activity log of the tenant",
  "roles:read": "see the roles of the tenant",
  "roles:write": "create, change and grant roles of the tenant",
  "sessions:read": "see the sessions of the tenant's accounts",
  "sessions:write": "revoke the sessions of the tenant's accounts",
  "connections:assert": "vouch for a connection between two users",
  "platform:act": "act in another tenant",
  "platform:introspect": "introspect any token",
  "platform:metrics": "see the metrics and the nodes of the whole installation",
  "platform:queues": "see, retry and delete dead letters",
  "platform:tenants": "create and change tenants",
} as const satisfies Record<string, string>;
