import type { Migration } from "../../../mixins/migration.ts";
import { endAll as endAllBefore } from "./1764000000003-sessions.ts";

/**
 * One operation with the event `p_event_id`: whoever comes second finds it done, and is told the same number. The rows
 * outlive an idempotency key.
 */
const endAll = `
CREATE OR REPLACE FUNCTION sessions.end_all(p_user uuid, p_except uuid, p_event_id uuid, p_reason text, p_revoked jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_ended uuid[];
BEGIN
  INSERT INTO sessions.accounts (user_id) VALUES (p_user) ON CONFLICT DO NOTHING;
  PERFORM 1 FROM sessions.accounts WHERE user_id = p_user FOR UPDATE;
  INSERT INTO sessions.inbox (event_id, operation) VALUES (p_event_id, 'end-all') ON CONFLICT DO NOTHING;
  IF FOUND THEN
    UPDATE sessions.accounts SET epoch = epoch + 1 WHERE user_id = p_user;
    PERFORM 1 FROM sessions.sessions WHERE user_id = p_user AND ended_at IS NULL AND id IS DISTINCT FROM p_except ORDER BY id FOR UPDATE;
    WITH ended AS (
      UPDATE sessions.sessions SET ended_at = clock_timestamp(), ended_reason = p_reason, ended_by = p_event_id, sweep_on = sessions.sweep_day(clock_timestamp())
        WHERE user_id = p_user AND ended_at IS NULL AND id IS DISTINCT FROM p_except RETURNING id)
      SELECT array_agg(id ORDER BY id) INTO v_ended FROM ended;
    IF cardinality(v_ended) > 0 THEN
      PERFORM sessions.state_event((p_revoked->>'event_id')::uuid, p_user, sessions.revoked_body(p_revoked, v_ended, p_reason));
      PERFORM sessions.append_to_feed('session', v_ended::text[], NULL);
    END IF;
  END IF;
  RETURN jsonb_build_object(
    'revoked', (SELECT count(*) FROM sessions.sessions WHERE user_id = p_user AND ended_by = p_event_id),
    'changes', sessions.unsettled(
      ARRAY(SELECT id::text FROM sessions.sessions WHERE user_id = p_user AND ended_at > clock_timestamp() - interval '10 s')));
END $$`;

export const migration: Migration = {
  name: "SessionsEndedBy1764000000004",
  up: ["ALTER TABLE sessions.sessions ADD COLUMN ended_by uuid", endAll],
  down: ["DROP FUNCTION sessions.end_all", "ALTER TABLE sessions.sessions DROP COLUMN ended_by", endAllBefore],
};
