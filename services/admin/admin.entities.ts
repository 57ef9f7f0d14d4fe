import {
  bigint,
  bytea,
  defineEntity,
  jsonb,
  nullable,
  primary,
  text,
  timestampMs,
  uuid,
} from "../../lib/database/entity.ts";

export const Activity = defineEntity("admin", "activity", {
  id: primary(uuid),
  tenant_id: uuid,
  action: text,
  actor_id: nullable(uuid),
  actor: nullable(text),
  user_id: nullable(uuid),
  at: timestampMs,
  ip: nullable(text),
  correlation_id: nullable(text),
  details: jsonb<Record<string, unknown>>(),
  seq: bigint,
  hash: bytea,
  actor_salt: nullable(uuid),
  actor_hash: bytea,
  subject_salt: nullable(uuid),
  subject_hash: bytea,
});

/**
 * The columns of the hash chain. The database fills them in (`sql/activity-chain.sql`); they are not part of an entry's
 * content. The subject is the user in `user_id`.
 */
export const chainColumns = ["seq", "hash", "actor_salt", "actor_hash", "subject_salt", "subject_hash"] as const;

export const ActivityChains = defineEntity("admin", "activity_chains", {
  tenant_id: primary(uuid),
  seq: bigint,
  hash: bytea,
});

export const adminEntities = [Activity, ActivityChains] as const;
