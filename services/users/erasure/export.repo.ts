import type { Database } from "../../../mixins/database.mixin.ts";

export function readWholeAccount(db: Database, userId: string): Promise<object[]> {
  return db.query(
    `SELECT id, tenant_id, email, pending_email, username, full_name, current_title, company, location, bio, avatar_url,
       push_token, is_active, is_verified, inactive_reason, privacy_profile, privacy_location, logins_total, created_at,
       updated_at, last_login_at
     FROM users.users WHERE id = $1`,
    [userId],
  );
}

export function readRoles(db: Database, userId: string): Promise<object[]> {
  return db.query("SELECT role, granted_at FROM users.role_members WHERE user_id = $1 ORDER BY role", [userId]);
}

export function readSubscription(db: Database, userId: string): Promise<object[]> {
  return db.query("SELECT plan, started_at, expires_at FROM users.subscriptions WHERE user_id = $1", [userId]);
}

export function readEmailChanges(db: Database, userId: string): Promise<object[]> {
  return db.query(
    `SELECT old_email, new_email, state, requested_at FROM users.email_changes
     WHERE user_id = $1 ORDER BY requested_at`,
    [userId],
  );
}
