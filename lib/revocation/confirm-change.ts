import { AppError } from "../actions/errors.ts";
import type { Call } from "../actions/typed-call.ts";

/** The sessions of a user that end with a change of the account. */
export interface SessionsEnd {
  readonly user_id: string;
  /** Of the event that says why. */
  readonly event_id: string;
  /** A session that survives. */
  readonly except?: string | null;
}

/**
 * No node accepts these sessions once this resolves. Idempotent per event id: this call and the event's consumer in
 * sessions apply it once, so a sign-in made between the two survives.
 */
export async function revokeSessions(call: Call, { user_id, event_id, except = null }: SessionsEnd): Promise<void> {
  const params = { user_id, event_id, ...(except !== null && { except }) };
  await confirmed(call("sessions.revokeAll", params, { outlivesRequest: true }));
}

/** Access tokens signed before are `token_stale` at every node once this resolves. Idempotent per event id, as above. */
export async function invalidateTokens(
  call: Call,
  { kind, id, event_id }: { readonly kind: "user" | "tenant"; readonly id: string; readonly event_id: string },
): Promise<void> {
  await confirmed(call("sessions.bumpTokenVersion", { kind, id, event_id }, { outlivesRequest: true }));
}

/** For what follows a commit. The change stands whatever goes wrong here, and its event repeats the call. */
export async function confirmed<T>(confirmation: Promise<T>): Promise<T> {
  try {
    return await confirmation;
  } catch (cause) {
    throw new AppError("revocation_pending", { retry_after: 1, cause });
  }
}
