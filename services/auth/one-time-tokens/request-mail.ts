import { AppError } from "../../../lib/actions/errors.ts";
import type { MailedTokenPurpose } from "../../../lib/contracts/mailed-token.contract.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import { emailKey, emailKeyHash } from "../../../lib/runtime/text-keys.ts";
import type { Transaction } from "../../../mixins/database/database.mixin.ts";
import type { MailJob } from "../../mail/mail.contract.ts";
import type { AuthDeps } from "../dependencies.ts";
import { countUnspent, insertOneTimeToken } from "./one-time-tokens.repo.ts";

export type MailLinkDeps = Pick<AuthDeps, "clock" | "random" | "ring" | "outbox">;

export interface Recipient {
  readonly id: string;
  readonly tenant_id: string;
  readonly email: string;
}

interface MailRequest {
  readonly purpose: MailedTokenPurpose;
  readonly recipient: Recipient;
  /** The account's epoch if revoking all its sessions must void the link, otherwise null. */
  readonly epoch: number | null;
  readonly correlationId: string;
  /** Languages that the request accepts. */
  readonly languages: readonly string[] | undefined;
  /** Given if another service has chosen the token's id. */
  readonly id?: string;
}

/** Per account, purpose and hour: strangers who request links must not flood a mailbox. */
const MAX_UNSPENT_LINKS = 10;

/** Creates the one-time token and the job that mails it, in one transaction. */
export async function requestMail(deps: MailLinkDeps, tx: Transaction, request: MailRequest): Promise<void> {
  const { purpose, recipient, epoch, correlationId, languages } = request;
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
    ...(languages && { languages: [...languages] }),
  };
  await deps.outbox.enqueue(tx, { queue: "mail", job: { id, name: purpose, data }, userId: recipient.id });
}

/** For requests by administrators, which need not hide whether a mail was sent. */
export async function assertMayMail(tx: Transaction, userId: string, purpose: MailedTokenPurpose): Promise<void> {
  if ((await countUnspent(tx, userId, purpose)) < MAX_UNSPENT_LINKS) return;
  throw new AppError("rate_limited", { retry_after: 3_600, cause: new Error("Too many unspent links") });
}

/**
 * `requestMail` for anonymous requests. If the account has MAX_UNSPENT_LINKS already, the mail goes to a nonexistent
 * recipient: its job finds no account and is skipped. The response and its time are the same in both cases, so they do not
 * reveal whether the account exists (ASVS 5.0 V6.3.8).
 */
export async function requestMailAnonymously(deps: MailLinkDeps, tx: Transaction, request: MailRequest): Promise<void> {
  const unspent = await countUnspent(tx, request.recipient.id, request.purpose);
  const recipient =
    unspent < MAX_UNSPENT_LINKS ? request.recipient : nonexistentRecipient(deps, request.recipient.tenant_id);
  await requestMail(deps, tx, { ...request, recipient });
}

export function nonexistentRecipient(
  { clock, random }: Pick<AuthDeps, "clock" | "random">,
  tenantId: string,
): Recipient {
  return { id: newId(clock, random), tenant_id: tenantId, email: "nonexistent@invalid" };
}
