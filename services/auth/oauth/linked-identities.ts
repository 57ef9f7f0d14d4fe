import { requireUser } from "../../../lib/actions/caller.ts";
import type { ResultOf } from "../../../lib/actions/contract.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import { runIdempotently } from "../../../mixins/idempotency.ts";
import type { authContract } from "../auth.contract.ts";
import type { AuthDeps } from "../dependencies.ts";
import { countByIssuer, countSignInMethods, findIdentities, lockIdentities, unlinkIssuer } from "./identities.repo.ts";
import { appendIdentityEvent } from "./identity-events.ts";

type IdentityDeps = Pick<AuthDeps, "db" | "oauth" | "outbox">;

/** Without identities of providers that are no longer configured. */
export async function listIdentities(
  { db, oauth }: Pick<IdentityDeps, "db" | "oauth">,
  ctx: ActionContext,
): Promise<ResultOf<typeof authContract, "identities">> {
  const identities = await findIdentities(db, requireUser(ctx.caller).user_id);
  return identities.flatMap(({ issuer, email, created_at }) => {
    const provider = oauth.all.find((one) => one.issuer === issuer);
    return provider ? [{ provider: provider.name, email, linked_at: created_at.toISOString() }] : [];
  });
}

/** Keeps the last way to sign in: 409 `last_sign_in_method`. The lock makes concurrent requests see each other's deletion. */
export async function unlinkIdentity(
  deps: IdentityDeps,
  ctx: ActionContext<{ provider: string }>,
): Promise<Record<string, never>> {
  const { db, oauth } = deps;
  const { user_id, home_tenant_id: tenant_id } = requireUser(ctx.caller);
  const { issuer } = oauth.find(ctx.params.provider);
  const issuers = oauth.all.map((provider) => provider.issuer);
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

/** Linked accounts of the whole installation by provider. Reads the whole index. */
export async function countIdentities({
  db,
  oauth,
}: Pick<IdentityDeps, "db" | "oauth">): Promise<Record<string, number>> {
  const counts = await countByIssuer(db);
  return Object.fromEntries(oauth.all.map(({ name, issuer }) => [name, counts.get(issuer) ?? 0]));
}
