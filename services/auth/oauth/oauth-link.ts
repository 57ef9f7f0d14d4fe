import { requireUser } from "../../../lib/actions/caller.ts";
import type { ParamsOf, ResultOf } from "../../../lib/actions/contract.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import type { Transaction } from "../../../mixins/database.mixin.ts";
import type { authContract } from "../auth.contract.ts";
import type { AuthDeps } from "../dependencies.ts";
import { ownerOf } from "./identities.repo.ts";
import { addIdentity, providerName } from "./identity-events.ts";
import { consumeCode, type ExchangeCode, finishState, insertCode, type Linker } from "./oauth.repo.ts";
import type { ProviderIdentity } from "./oauth-providers.ts";
import { type ConsumedState, createState } from "./oauth-state.ts";

type Linked = { readonly status: "linked"; readonly provider: string; readonly email: string | null };
type Named = ProviderIdentity & { readonly provider: string };
type LinkDeps = Pick<AuthDeps, "db" | "outbox" | "oauth">;
type Ctx = Pick<ActionContext, "call" | "client" | "correlationId">;

/** The state remembers whose link it is; the browser that goes to the provider may know nothing of him. */
export async function startLink(
  deps: AuthDeps,
  ctx: ActionContext<ParamsOf<typeof authContract, "linkIdentity">>,
): Promise<ResultOf<typeof authContract, "linkIdentity">> {
  const { user_id, home_tenant_id, session_id } = requireUser(ctx.caller);
  const provider = deps.oauth.find(ctx.params.provider);
  const { epoch } = await ctx.call("sessions.epoch", { user_id });
  const { location, browser } = await createState(deps, ctx, {
    provider,
    tenant: "",
    returnTo: ctx.params.return_to,
    useCookies: false,
    browser: ctx.params.browser,
    linker: { user_id, tenant_id: home_tenant_id, session_id, epoch },
  });
  return { authorize_url: location, browser };
}

/** The session that began it must still be there, and the state too: a reset meanwhile has ended it. */
export async function finishLink(
  deps: LinkDeps,
  ctx: Ctx,
  { hash }: ConsumedState,
  linker: Linker,
  identity: Named,
): Promise<Linked> {
  await assertSessionActive(ctx, linker);
  await deps.db.transaction(async (tx) => {
    if (!(await finishState(tx, hash))) throw new AppError("session_ended");
    await link(deps, tx, ctx, linker, identity);
  });
  return { status: "linked", provider: identity.provider, email: identity.email };
}

/**
 * A link that leads back to a client is made only when the session that began it hands in the code. Else somebody could
 * send his own link to a stranger, whose provider lets him pass unasked, and have the stranger's identity in his account.
 */
export async function deferLink(
  { db }: Pick<AuthDeps, "db">,
  { hash }: ConsumedState,
  { user_id, tenant_id, session_id, epoch }: Linker,
  { issuer, sub, email }: Named,
  codeHash: string,
): Promise<void> {
  await db.transaction(async (tx) => {
    if (!(await finishState(tx, hash))) throw new AppError("session_ended");
    const link = { session_id, issuer, sub, email };
    await insertCode(tx, { hash: codeHash, user_id, tenant_id, epoch, browser_hash: null, link });
  });
}

export async function completeDeferredLink(
  deps: LinkDeps,
  ctx: Ctx,
  { hash, user_id, tenant_id, epoch }: ExchangeCode,
  { session_id, issuer, sub, email }: NonNullable<ExchangeCode["link"]>,
): Promise<Linked> {
  await assertSessionActive(ctx, { user_id, tenant_id, session_id, epoch });
  await deps.db.transaction(async (tx) => {
    if (!(await consumeCode(tx, hash))) throw new AppError("oauth_code_invalid");
    await link(deps, tx, ctx, { user_id, tenant_id }, { issuer, sub, email });
  });
  return { status: "linked", provider: providerName(deps.oauth, issuer), email };
}

async function assertSessionActive(
  ctx: Pick<ActionContext, "call">,
  { user_id, session_id, epoch }: Linker,
): Promise<void> {
  const [now, session] = await Promise.all([
    ctx.call("sessions.epoch", { user_id }),
    ctx.call("sessions.get", { id: session_id, user_id }),
  ]);
  if (now.epoch !== epoch || !session) throw new AppError("session_ended");
}

async function link(
  deps: LinkDeps,
  tx: Transaction,
  ctx: Ctx,
  { user_id, tenant_id }: Pick<Linker, "user_id" | "tenant_id">,
  { issuer, sub, email }: Pick<ProviderIdentity, "issuer" | "sub" | "email">,
): Promise<void> {
  const key = { tenant_id, issuer, sub };
  if (await addIdentity(deps, tx, ctx, { ...key, user_id, email })) return;
  const owner = await ownerOf(tx, key);
  if (owner === user_id) return;
  if (owner !== null) throw new AppError("identity_taken");
  throw new AppError("conflict", {
    message: "Your account is already linked to another identity of this provider. Unlink it first.",
  });
}
