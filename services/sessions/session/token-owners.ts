import { LRUCache } from "lru-cache";
import type { ParsedRefreshToken } from "../../../lib/crypto/refresh-token.ts";
import type { Platform } from "../../../lib/runtime/platform.ts";
import type { Database } from "../../../mixins/database/database.mixin.ts";
import { findTokenOwner, type TokenOwner } from "./sessions.repo.ts";

export type FindOwner = (token: Pick<ParsedRefreshToken, "kid" | "sessionId">) => Promise<TokenOwner | undefined>;

/** They take about 3 MB of memory. With more live sessions than this, most refreshes read the row after all. */
const MAX_OWNERS = 10_000;

/**
 * Finds the owner of a refresh token's session, for refreshes only. User, tenant and salt never change as long as the session
 * exists, so they are cached. A cached owner does not mean that the session still exists: `refresh_session` checks that
 * under the lock of the row. `kid` does change, but it is used only for tokens whose key this node does not have, and for
 * those the row is read again.
 */
export function createCachedOwners({ ring }: Pick<Platform, "ring">, db: Database): FindOwner {
  const owners = new LRUCache<string, TokenOwner>({ max: MAX_OWNERS });
  return async ({ kid, sessionId }) => {
    const known = owners.get(sessionId);
    if (known && ring.kids.includes(kid)) return known;
    const owner = await findTokenOwner(db, sessionId);
    if (owner) owners.set(sessionId, owner);
    return owner;
  };
}
