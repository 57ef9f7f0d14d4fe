import {
  array,
  bigint,
  boolean,
  date,
  defineEntity,
  int,
  nullable,
  primary,
  text,
  textOf,
  timestamp,
  uuid,
} from "../../lib/database/entity.ts";

export const Accounts = defineEntity("sessions", "accounts", { user_id: primary(uuid), epoch: int, ver: int });

export const TenantVersions = defineEntity("sessions", "tenant_versions", { tenant_id: primary(uuid), tver: int });

export const Sessions = defineEntity("sessions", "sessions", {
  id: primary(uuid),
  user_id: uuid,
  tenant_id: uuid,
  kid: text,
  salt: text,
  counter: bigint,
  /** When each of the last 16 refresh tokens was spent, newest first. */
  spent_at: array(timestamp),
  amr: array(text),
  auth_time: timestamp,
  client_id: nullable(text),
  device_name: nullable(text),
  browser: nullable(text),
  os: nullable(text),
  device_type: textOf<"desktop" | "mobile" | "tablet" | "bot" | "unknown">(),
  ip: nullable(text),
  created_at: timestamp,
  last_used_at: timestamp,
  expires_at: timestamp,
  max_expires_at: timestamp,
  sweep_on: date,
  revoked_at: nullable(timestamp),
  revoked_reason: nullable(text),
  revoked_by: nullable(uuid),
});

export const RevocationLog = defineEntity("sessions", "revocation_log", {
  seq: primary(bigint),
  kind: textOf<"session" | "user" | "tenant" | "cache">(),
  key: text,
  value: nullable(int),
  at: timestamp,
});

export const RevocationLogState = defineEntity("sessions", "revocation_log_state", {
  single: primary(boolean),
  last_seq: bigint,
  swept_seq: bigint,
});

export const Leases = defineEntity("sessions", "leases", {
  gateway_id: primary(uuid),
  node_id: text,
  action: text,
  until: timestamp,
});

export const sessionsEntities = [
  Accounts,
  TenantVersions,
  Sessions,
  RevocationLog,
  RevocationLogState,
  Leases,
] as const;
