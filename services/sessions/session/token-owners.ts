import { LRUCache } from "lru-cache";
import type { ParsedRefreshToken } from "../../../lib/crypto/refresh-token.ts";
import type { Platform } from "../../../lib/runtime/platform.ts";
import type { Database } from "../../../mixins/database/database.mixin.ts";
import { findTokenOwner, type TokenOwner } from "./sessions.repo.ts";

export type OwnerOf = (token: ParsedRefreshToken) => Promise<TokenOwner | undefined>;

const MAX_OWNERS = 10_000;

/**
 * Finds the session of a refresh token. What is cached (user, tenant and salt) never changes as long as the session exists,
 * and whether it still does is decided by the statement that follows. Only `kid` changes, and it matters only for a key
 * that this node does not have.
 */
export function createOwnerOf({ ring }: Pick<Platform, "ring">, db: Database): OwnerOf {
  const owners = new LRUCache<string, TokenOwner>({ max: MAX_OWNERS });
  return async ({ kid, sessionId }) => {
    const known = owners.get(sessionId);
    if (known && ring.kids.includes(kid)) return known;
    const owner = await findTokenOwner(db, sessionId);
    if (owner) owners.set(sessionId, owner);
    return owner;
  };
}
