/** Every permission that a role can hold. Those of services are the `requiredPermissions` of their contracts. */
export const permissions = {
  "users:read": "see the accounts of the tenant",
  "users:write": "change and disable the accounts of the tenant",
  "activity:read": "read the activity log of the tenant",
  "roles:read": "see the roles of the tenant",
  "roles:write": "make, change and grant roles of the tenant",
  "sessions:read": "see the sessions of the tenant's accounts",
  "sessions:write": "end the sessions of the tenant's accounts",
  "connections:assert": "vouch for a connection between two users",
  "platform:act": "act in another tenant",
  "platform:introspect": "ask what any token is good for",
  "platform:metrics": "see the figures and the nodes of the whole installation",
  "platform:queues": "see, repeat and drop dead letters",
  "platform:tenants": "make and change tenants",
} as const satisfies Record<string, string>;

export type Permission = keyof typeof permissions;

/** The roles that every tenant has by name, as the first migration makes them. */
export const systemRoles: Readonly<Record<"admin" | "vendor" | "user", readonly Permission[]>> = {
  admin: [
    "activity:read",
    "connections:assert",
    "roles:read",
    "roles:write",
    "sessions:read",
    "sessions:write",
    "users:read",
    "users:write",
  ],
  vendor: ["platform:act", "platform:introspect", "platform:metrics", "platform:queues", "platform:tenants"],
  user: [],
};
