import { AppError } from "../../../lib/actions/errors.ts";
import { type KeyRing, UnknownKeyError } from "../../../lib/crypto/key-ring.ts";
import { formatRefreshToken } from "../../../lib/crypto/refresh-token.ts";
import type { GrantRow } from "./sessions.repo.ts";

/** The session's current refresh token, made from its row: whoever makes it, under whichever ring, makes the same. */
export function toGrant(ring: KeyRing, row: GrantRow) {
  const { kid, salt, counter, ...granted } = row;
  return {
    ...granted,
    refresh_token: orUnavailable(() => formatRefreshToken(ring, { kid, salt, counter, sessionId: row.session_id })),
  };
}

/** A key that this node doesn't have yet is no fault of the token. */
export function orUnavailable<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof UnknownKeyError) throw new AppError("service_unavailable", { retry_after: 1, cause });
    throw cause;
  }
}
