import { requireUser } from "../../../lib/actions/caller.ts";
import type { ResultOf } from "../../../lib/actions/contract.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import type { Clock } from "../../../lib/runtime/clock.ts";
import { createTtlCache } from "../../../lib/runtime/ttl-cache.ts";
import type { Database } from "../../../mixins/database.mixin.ts";
import { runIdempotently } from "../../../mixins/idempotency.ts";
import type { Outbox } from "../../../mixins/outbox.mixin.ts";
import type { authContract } from "../auth.contract.ts";
import { countByIssuer, countSignInMethods, identitiesOf, lockIdentities, unlinkIssuer } from "./identities.repo.ts";
import { appendIdentityEvent } from "./identity-events.ts";
import type { OAuthProviders } from "./oauth-providers.ts";

interface Deps {
  readonly db: Database;
  readonly oauth: OAuthProviders;
  readonly outbox: Outbox;
}

export async function listIdentities(
  { db, oauth }: Pick<Deps, "db" | "oauth">,
  ctx: ActionContext,
): Promise<ResultOf<typeof authContract, "identities">> {
  const linked = await identitiesOf(db, requireUser(ctx.caller).user_id);
  return linked.flatMap(({ issuer, email, created_at }) => {
    const provider = oauth.all.find((one) => one.issuer === issuer);
    return provider ? [{ provider: provider.name, email, linked_at: created_at.toISOString() }] : [];
  });
}

/** The last way to sign in stays: nobody locks himself out. Two at once take turns. */
export async function unlinkIdentity(
  deps: Deps,
  ctx: ActionContext<{ provider: string }>,
): Promise<Record<string, never>> {
  const { db, oauth } = deps;
  const { user_id, home_tenant_id: tenant_id } = requireUser(ctx.caller);
  const { issuer } = oauth.find(ctx.params.provider);
  const issuers = oauth.all.map((one) => one.issuer);
  return runIdempotently(db, ctx, {
    userId: user_id,
    commit: async (tx) => {
      await lockIdentities(tx, user_id);
      if (!(await unlinkIssuer(tx, user_id, issuer))) throw new AppError("not_found");
      if ((await countSignInMethods(tx, user_id, issuers)) === 0) throw new AppError("last_sign_in_method");
      await appendIdentityEvent(deps, tx, ctx, "identity.unlinked", { user_id, tenant_id, issuer });
      return {};
    },
  });
}

export type IdentityCounts = () => Promise<Record<string, number>>;

const COUNT_TTL_MS = 60_000;

/** Linked identities by provider. Cached, because counting reads the whole index. */
export function createIdentityCounts({ db, oauth }: Pick<Deps, "db" | "oauth">, clock: Clock): IdentityCounts {
  const cache = createTtlCache<Record<string, number>>(clock, { ttlMs: COUNT_TTL_MS });
  return () =>
    cache.read("", async () => {
      const counted = await countByIssuer(db);
      return Object.fromEntries(oauth.all.map(({ name, issuer }) => [name, counted.get(issuer) ?? 0]));
    });
}
