-- migrate:up

UPDATE users.roles SET permissions =
    ARRAY['activity:read', 'connections:assert', 'roles:read', 'roles:write', 'sessions:read', 'sessions:write',
      'users:read', 'users:write', 'webhooks:read', 'webhooks:write']
  WHERE name = 'admin' AND system;

-- migrate:down

UPDATE users.roles SET permissions =
    ARRAY['activity:read', 'connections:assert', 'roles:read', 'roles:write', 'sessions:read', 'sessions:write',
      'users:read', 'users:write']
  WHERE name = 'admin' AND system;
