import { AppError, isError } from "../../../lib/actions/errors.ts";
import { type KeyRing, UnknownKeyError } from "../../../lib/crypto/key-ring.ts";
import {
  formatRefreshToken,
  type ParsedRefreshToken,
  parseRefreshToken,
  refreshTokenMatches,
} from "../../../lib/crypto/refresh-token.ts";
import type { Ctx, SessionsDeps } from "../sessions.deps.ts";
import { findCurrentToken, findTokenOwner, type GrantRow, type TokenOwner } from "./sessions.repo.ts";
import type { FindOwner } from "./token-owners.ts";

type TokenDeps = Pick<SessionsDeps, "platform" | "db">;

/** Adds the session's current refresh token, which is derived from its row: every node derives the same one. */
export function toGrant(ring: KeyRing, row: GrantRow) {
  const { kid, salt, counter, ...granted } = row;
  return {
    ...granted,
    refresh_token: orUnavailable(() => formatRefreshToken(ring, { kid, salt, counter, sessionId: row.session_id })),
  };
}

/** The session that a refresh token belongs to, whether the token is spent or not. 401 for a forged or unknown token. */
export async function authenticateRefreshToken(
  { platform, db }: TokenDeps,
  text: string,
  findOwner: FindOwner = ({ sessionId }) => findTokenOwner(db, sessionId),
): Promise<{ token: ParsedRefreshToken; owner: TokenOwner }> {
  const token = parseRefreshToken(text);
  if (!token) throw new AppError("refresh_token_invalid");
  const owner = await findOwner(token);
  if (!owner || !orUnavailable(() => refreshTokenMatches(platform.ring, token, owner)))
    throw new AppError("refresh_token_invalid");
  return { token, owner };
}

/** For token introspection: the owner of a refresh token that could be used now, null for any other. Spends nothing. */
export async function inspectRefreshToken(deps: TokenDeps, { params }: Ctx<"inspect">) {
  try {
    const { token } = await authenticateRefreshToken(deps, params.refresh_token);
    return (await findCurrentToken(deps.db, token.sessionId, token.counter)) ?? null;
  } catch (error) {
    if (isError(error, "refresh_token_invalid")) return null;
    throw error;
  }
}

/** During a key rotation a node may lack a new key for a moment, which does not make the token invalid: 503. */
function orUnavailable<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof UnknownKeyError) throw new AppError("service_unavailable", { retry_after: 1, cause });
    throw cause;
  }
}
