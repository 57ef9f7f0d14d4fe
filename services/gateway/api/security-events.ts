import type { Caller } from "../../../lib/actions/caller.ts";
import { type ErrorCode, isError } from "../../../lib/actions/errors.ts";

/** What a refused request means for the activity log and `usermesh_security_events_total` (ASVS 5.0 V16.3). */
export type SecurityEvent =
  | "sign_in.refused"
  | "sign_in.throttled"
  | "reauthentication.refused"
  | "one_time_token.refused"
  | "refresh_token.refused"
  | "access_token.refused"
  | "service_credentials.refused"
  | "request.refused"
  | "request.throttled";

const eventsByCode: Partial<Record<ErrorCode, SecurityEvent>> = {
  invalid_credentials: "sign_in.refused",
  account_disabled: "sign_in.refused",
  email_not_verified: "sign_in.refused",
  oauth_failed: "sign_in.refused",
  too_many_attempts: "sign_in.throttled",
  step_up_required: "reauthentication.refused",
  one_time_token_invalid: "one_time_token.refused",
  oauth_state_invalid: "one_time_token.refused",
  oauth_code_invalid: "one_time_token.refused",
  refresh_token_invalid: "refresh_token.refused",
  token_reused: "refresh_token.refused",
  token_invalid: "access_token.refused",
  forbidden: "request.refused",
  csrf_failed: "request.refused",
  premium_required: "request.refused",
  rate_limited: "request.throttled",
};

/** Auth records these itself, with the account that was meant, which the gateway does not know. */
const recordedByAuth: ReadonlySet<SecurityEvent> = new Set(["sign_in.refused", "sign_in.throttled"]);

interface Refusal {
  readonly event: SecurityEvent;
  readonly code: ErrorCode;
  readonly isRecorded: boolean;
}

/** Undefined for an error that is no security event. */
export function classifyRefusal(error: unknown, caller: Caller | null, authorization = ""): Refusal | undefined {
  if (!isError(error, ...(Object.keys(eventsByCode) as ErrorCode[]))) return undefined;
  const event = eventOf(error.type, caller, authorization);
  return { event, code: error.type, isRecorded: !recordedByAuth.has(event) };
}

function eventOf(code: ErrorCode, caller: Caller | null, authorization: string): SecurityEvent {
  const event = eventsByCode[code] as SecurityEvent;
  // A signed-in user who gives a password confirms an operation.
  if (caller?.kind === "user" && recordedByAuth.has(event)) return "reauthentication.refused";
  return code === "token_invalid" && /^basic /i.test(authorization) ? "service_credentials.refused" : event;
}
