-- The roles of a user and their permissions. Everybody has `user`. The names `admin`, `vendor` and `user` are the
-- system's roles in every tenant, except that `vendor` exists in the default tenant alone.
CREATE OR REPLACE FUNCTION users.granted_roles(p_user_id uuid, p_tenant_id uuid)
  RETURNS TABLE (name text, permissions text[], system boolean)
  LANGUAGE sql STABLE AS $$
  SELECT r.name, r.permissions, r.system
  FROM (SELECT role FROM users.role_members WHERE user_id = p_user_id UNION SELECT 'user') AS m
  JOIN users.roles AS r ON r.name = m.role AND r.tenant_id =
    CASE WHEN m.role IN ('admin', 'vendor', 'user')
      THEN '00000000-0000-7000-8000-000000000001'::uuid ELSE p_tenant_id END
  WHERE m.role <> 'vendor' OR p_tenant_id = '00000000-0000-7000-8000-000000000001'
$$;

-- A permission `platform:*` counts only in a system role of the default tenant, whatever a tenant's own role contains.
-- This is PL/pgSQL, because a function in SQL would be planned again at each sign-in and refresh.
CREATE OR REPLACE FUNCTION users.granted_permissions(p_user_id uuid, p_tenant_id uuid) RETURNS text[]
  LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (
    SELECT coalesce(array_agg(DISTINCT p ORDER BY p), '{}')
    FROM users.granted_roles(p_user_id, p_tenant_id) AS r, unnest(r.permissions) AS p
    WHERE p NOT LIKE 'platform:%' OR (r.system AND p_tenant_id = '00000000-0000-7000-8000-000000000001'));
END $$;
