import { requireUser } from "../../../lib/actions/caller.ts";
import type { ParamsOf, ResultOf } from "../../../lib/actions/contract.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import type { Transaction } from "../../../mixins/database/database.mixin.ts";
import type { authContract } from "../auth.contract.ts";
import type { AuthDeps } from "../dependencies.ts";
import { findOwner } from "./identities.repo.ts";
import { addIdentity, providerName } from "./identity-events.ts";
import {
  deleteCode,
  deleteState,
  type ExchangeCode,
  insertCode,
  type LinkingUser,
  type PendingLink,
} from "./oauth.repo.ts";
import type { ProviderIdentity } from "./oauth-providers.ts";
import { type CallbackState, startAuthorization } from "./oauth-state.ts";

type LinkResult = { readonly status: "linked"; readonly provider: string; readonly email: string | null };
type LinkDeps = Pick<AuthDeps, "db" | "outbox" | "oauth">;
type Ctx = Pick<ActionContext, "call" | "client" | "correlationId">;

/** Starts to link a provider. The state stores the user: the browser that goes to the provider may have no session. */
export async function startLink(
  deps: AuthDeps,
  ctx: ActionContext<ParamsOf<typeof authContract, "linkIdentity">>,
): Promise<ResultOf<typeof authContract, "linkIdentity">> {
  const { user_id, home_tenant_id, session_id } = requireUser(ctx.caller);
  const provider = deps.oauth.find(ctx.params.provider);
  const { epoch } = await ctx.call("sessions.epoch", { user_id });
  const { location, browser_binding } = await startAuthorization(deps, ctx, {
    provider,
    tenant: "",
    returnTo: ctx.params.return_to,
    useCookies: false,
    clientState: null,
    codeChallenge: null,
    stepUp: false,
    browserBinding: ctx.params.browser_binding,
    linkingUser: { user_id, tenant_id: home_tenant_id, session_id, epoch },
  });
  return { authorize_url: location, browser_binding };
}

/** Links the identity in the callback. 401 `session_ended` if the session has ended, or a reset has deleted the state. */
export async function finishLink(
  deps: LinkDeps,
  ctx: Ctx,
  { hash }: CallbackState,
  user: LinkingUser,
  identity: ProviderIdentity,
): Promise<LinkResult> {
  await assertSessionActive(ctx, user);
  await deps.db.transaction(async (tx) => {
    if (!(await deleteState(tx, hash))) throw new AppError("session_ended");
    await link(deps, tx, ctx, user, identity);
  });
  return { status: "linked", provider: providerName(deps.oauth, identity.issuer), email: identity.email };
}

/**
 * Stores the identity under a code, and `completeDeferredLink` links it when the session that started the link presents
 * the code. Otherwise an attacker could send their own link to a victim: a provider that asks for no consent would let
 * the victim's browser pass, and the victim's identity would be linked to the attacker's account.
 */
export async function deferLink(
  { db }: Pick<AuthDeps, "db">,
  { hash }: CallbackState,
  { user_id, tenant_id, session_id, epoch }: LinkingUser,
  { issuer, sub, email }: ProviderIdentity,
  codeHash: string,
): Promise<void> {
  await db.transaction(async (tx) => {
    if (!(await deleteState(tx, hash))) throw new AppError("session_ended");
    const link = { session_id, issuer, sub, email };
    const unused = { browser_hash: null, code_challenge: null, auth_time: 0 };
    await insertCode(tx, { ...unused, hash: codeHash, user_id, tenant_id, epoch, link });
  });
}

export async function completeDeferredLink(
  deps: LinkDeps,
  ctx: Ctx,
  { hash, user_id, tenant_id, epoch }: ExchangeCode,
  { session_id, issuer, sub, email }: PendingLink,
): Promise<LinkResult> {
  await assertSessionActive(ctx, { user_id, tenant_id, session_id, epoch });
  await deps.db.transaction(async (tx) => {
    if (!(await deleteCode(tx, hash))) throw new AppError("oauth_code_invalid");
    await link(deps, tx, ctx, { user_id, tenant_id }, { issuer, sub, email });
  });
  return { status: "linked", provider: providerName(deps.oauth, issuer), email };
}

async function assertSessionActive(
  ctx: Pick<ActionContext, "call">,
  { user_id, session_id, epoch }: LinkingUser,
): Promise<void> {
  const [current, session] = await Promise.all([
    ctx.call("sessions.epoch", { user_id }),
    ctx.call("sessions.get", { id: session_id, user_id }),
  ]);
  if (current.epoch !== epoch || !session) throw new AppError("session_ended");
}

async function link(
  deps: LinkDeps,
  tx: Transaction,
  ctx: Ctx,
  { user_id, tenant_id }: Pick<LinkingUser, "user_id" | "tenant_id">,
  { issuer, sub, email }: Pick<ProviderIdentity, "issuer" | "sub" | "email">,
): Promise<void> {
  const key = { tenant_id, issuer, sub };
  if (await addIdentity(deps, tx, ctx, { ...key, user_id, email })) return;
  const owner = await findOwner(tx, key);
  if (owner === user_id) return;
  if (owner !== null) throw new AppError("identity_taken");
  throw new AppError("conflict", {
    message: "Your account is already linked to another identity of this provider. Unlink it first.",
  });
}
