import type { MailedTokenPurpose } from "../../../lib/crypto/mailed-token.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import { emailKey, emailKeyHash } from "../../../lib/runtime/text-keys.ts";
import type { Transaction } from "../../../mixins/database.mixin.ts";
import type { MailJob } from "../../mail/mail.contract.ts";
import type { AuthDeps } from "../dependencies.ts";
import { countUnused, insertOneTimeToken } from "./one-time-tokens.repo.ts";

export type MailLinkDeps = Pick<AuthDeps, "clock" | "random" | "ring" | "outbox">;

export interface Recipient {
  readonly id: string;
  readonly tenant_id: string;
  readonly email: string;
}

interface MailRequest {
  readonly purpose: Extract<MailedTokenPurpose, MailJob["kind"]>;
  readonly recipient: Recipient;
  /** The account's epoch, for what a reset in between must end. */
  readonly epoch: number | null;
  readonly correlationId: string;
  /** Where another service has chosen its id already. */
  readonly id?: string;
}

/** Links that nobody used, per account, purpose and hour: a stranger must not fill somebody's mailbox. */
const UNUSED_LINKS = 10;

/** The one-time token and the job that mails it, in one transaction. */
export async function requestMail(deps: MailLinkDeps, tx: Transaction, request: MailRequest): Promise<void> {
  const { purpose, recipient, epoch, correlationId } = request;
  const id = request.id ?? newId(deps.clock, deps.random);
  await insertOneTimeToken(tx, {
    id,
    purpose,
    user_id: recipient.id,
    tenant_id: recipient.tenant_id,
    email_key_hash: emailKeyHash(recipient.tenant_id, emailKey(recipient.email)),
    epoch,
    kid: deps.ring.active,
    event_id: newId(deps.clock, deps.random),
  });
  const data: MailJob = {
    id,
    kind: purpose,
    user_id: recipient.id,
    tenant_id: recipient.tenant_id,
    correlation_id: correlationId,
  };
  await deps.outbox.enqueue(tx, { queue: "mail", job: { id, name: purpose, data }, userId: recipient.id });
}

/**
 * The same for whoever asks from outside. An account that is none, or has had enough mails, is replaced by a nobody: its
 * job finds no account and is skipped, and to here all takes the same time (ASVS 5.0 V6.3.8).
 */
export async function requestMailAnonymously(deps: MailLinkDeps, tx: Transaction, request: MailRequest): Promise<void> {
  const unused = await countUnused(tx, request.recipient.id, request.purpose);
  const recipient = unused < UNUSED_LINKS ? request.recipient : nobody(deps, request.recipient.tenant_id);
  await requestMail(deps, tx, { ...request, recipient });
}

export function nobody({ clock, random }: Pick<AuthDeps, "clock" | "random">, tenantId: string): Recipient {
  return { id: newId(clock, random), tenant_id: tenantId, email: "nobody@invalid" };
}
