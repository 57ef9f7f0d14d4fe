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
  "webhooks:read": "see the webhooks of the tenant and their deliveries",
  "webhooks:write": "create, change, test and delete the webhooks of the tenant",
  "platform:act": "act in another tenant",
  "platform:introspect": "introspect any token",
  "platform:keys": "see the keys of the installation and replace the signing key",
  "platform:metrics": "see the metrics and the nodes of the whole installation",
  "platform:queues": "see, retry and delete dead letters",
  "platform:tenants": "create, change and delete tenants",
} as const satisfies Record<string, string>;
