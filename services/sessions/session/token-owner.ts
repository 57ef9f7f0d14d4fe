import { AppError } from "../../../lib/actions/errors.ts";
import { type ParsedRefreshToken, parseRefreshToken, refreshTokenMatches } from "../../../lib/crypto/refresh-token.ts";
import type { SessionsDeps } from "../sessions.deps.ts";
import { orUnavailable } from "./grant.ts";
import { findTokenOwner, type TokenOwner } from "./sessions.repo.ts";

/** Whose token is this? A forged or unknown one is 401 and touches nothing. Spent or not is not asked here. */
export async function authenticateRefreshToken(
  { platform, db }: Pick<SessionsDeps, "platform" | "db">,
  text: string,
): Promise<{ token: ParsedRefreshToken; owner: TokenOwner }> {
  const token = parseRefreshToken(text);
  if (!token) throw new AppError("refresh_token_invalid");
  const owner = await findTokenOwner(db, token.sessionId);
  if (!owner || !orUnavailable(() => refreshTokenMatches(platform.ring, token, owner)))
    throw new AppError("refresh_token_invalid");
  return { token, owner };
}
