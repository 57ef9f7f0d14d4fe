import { isError } from "../../../lib/actions/errors.ts";
import type { Ctx, SessionsDeps } from "../sessions.deps.ts";
import { findCurrent } from "./sessions.repo.ts";
import { authenticateRefreshToken } from "./token-owner.ts";

/** Whose refresh token is this, if it is the current one of a living session? Spends nothing. */
export async function inspect(deps: SessionsDeps, { params }: Ctx<"inspect">) {
  try {
    const { token } = await authenticateRefreshToken(deps, params.refresh_token);
    return (await findCurrent(deps.db, token.sessionId, token.counter)) ?? null;
  } catch (error) {
    if (isError(error, "refresh_token_invalid")) return null;
    throw error;
  }
}
