import type { ActionContext, Call } from "../../../lib/actions/typed-call.ts";
import type { MeshEvent } from "../../../lib/events/events.ts";
import { derivedId } from "../../../lib/runtime/ids.ts";
import { emailKeyHash } from "../../../lib/runtime/text-keys.ts";
import { claimInbox, isExpiredEvent } from "../../../mixins/event-consumer.mixin.ts";
import type { InvalidatingTransaction } from "../../../mixins/near-cache.mixin.ts";
import { appendUserEvent } from "../core/user-events.ts";
import { type UserView, viewUser } from "../core/user-view.ts";
import type { UsersDeps } from "../core/users.deps.ts";
import { type Account, lockAccount, readUser, updateAccount } from "../core/users.repo.ts";
import { endChangesBefore } from "./email-changes.repo.ts";

type Deps = Pick<UsersDeps, "db" | "caches" | "outbox" | "clock">;
type Ctx = Pick<ActionContext, "call" | "correlationId" | "caller" | "client">;

interface ProofOfAddress {
  readonly user_id: string;
  /** The event that auth appended with the proof. */
  readonly event_id: string;
  /** Of the proven address. An account that has another one by now is not verified. */
  readonly email_key_hash: string;
}

/** The part of a proof that concerns the account. Null if the account is deleted. */
export async function recordProof(deps: Deps, ctx: Ctx, proof: ProofOfAddress): Promise<UserView | null> {
  return deps.caches.invalidating(ctx.call, proof.user_id).transaction(async (tx) => {
    const account = await lockAccount(tx, proof.user_id);
    if (!account) return null;
    if (await claimInbox(deps.db, tx, proof.event_id, "record-proof")) await apply(deps, tx, ctx, account, proof);
    const row = await readUser(tx, account.id);
    return row ? viewUser(row) : null;
  });
}

/** On `password.changed`, in case the call was lost. Events of a changed password prove no address. */
export async function onProof(deps: Deps, event: MeshEvent, call: Call): Promise<void> {
  const { user_id, event_id, verified_email_hash: email_key_hash, correlation_id: correlationId } = event;
  if (typeof email_key_hash !== "string" || isExpiredEvent(deps.clock, event)) return;
  const caller = { kind: "service", name: "users" } as const;
  const ctx = { call, correlationId, caller, client: { ip: "", user_agent: "" } };
  await recordProof(deps, ctx, { user_id, event_id, email_key_hash });
}

async function apply(
  deps: Deps,
  tx: InvalidatingTransaction,
  ctx: Ctx,
  account: Account,
  { event_id, email_key_hash }: ProofOfAddress,
): Promise<void> {
  await endChangesBefore(tx, account.id, deps.clock.now().toISOString());
  if (account.push_token !== null) {
    await updateAccount(tx, account.id, { push_token: null });
    const data = { updated_fields: ["push_token"] };
    await appendUserEvent(deps.outbox, tx, ctx, { type: "user.updated", user: account, data });
  }
  if (account.is_verified || emailKeyHash(account.tenant_id, account.email_key) !== email_key_hash) return;
  await updateAccount(tx, account.id, { is_verified: true });
  const eventId = derivedId("verified", event_id);
  await appendUserEvent(deps.outbox, tx, ctx, { type: "user.verified", user: account, eventId });
}
