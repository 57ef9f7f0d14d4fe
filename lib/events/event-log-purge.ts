import type { JetStreamManager, NatsError, SeqMsgRequest } from "nats";
import { type MeshEvent, subjectOf } from "./events.ts";

type User = Pick<MeshEvent, "user_id" | "tenant_id">;

/**
 * Deletes the user's events except `user.erased`; false as long as that one has not arrived. Purging by subject alone
 * would delete it too, so USERS is purged up to its sequence number, and later events are deleted one by one. SESSIONS
 * keeps nothing of an erased user.
 */
export async function purgeUser(manager: JetStreamManager, user: User): Promise<boolean> {
  const subject = subjectOf({ ...user, event_type: "user.erased" });
  const erased = await findErased(manager, subject);
  if (erased === undefined) return false;
  await manager.streams.purge("USERS", { filter: subject, seq: erased.seq });
  for (const seq of erased.laterSeqs) await manager.streams.deleteMessage("USERS", seq, true);
  await manager.streams.purge("SESSIONS", { filter: subjectOf({ ...user, event_type: "session.revoked" }) });
  return true;
}

/** Sequence numbers of the first `user.erased` of the subject and of the events after it. */
async function findErased(
  manager: JetStreamManager,
  subject: string,
): Promise<{ readonly seq: number; readonly laterSeqs: readonly number[] } | undefined> {
  let seq: number | undefined;
  const laterSeqs: number[] = [];
  for (
    let next = await messageFrom(manager, subject, 1);
    next;
    next = await messageFrom(manager, subject, next.seq + 1)
  ) {
    if (seq === undefined && next.json<MeshEvent>().event_type === "user.erased") seq = next.seq;
    else if (seq !== undefined) laterSeqs.push(next.seq);
  }
  return seq === undefined ? undefined : { seq, laterSeqs };
}

/** The first message of the subject with this sequence number or a later one. */
async function messageFrom(manager: JetStreamManager, subject: string, seq: number) {
  try {
    // Not a direct get, which may read from a lagging replica. The client's types lack `next_by_subj`.
    const request: SeqMsgRequest & { next_by_subj: string } = { seq, next_by_subj: subject };
    return await manager.streams.getMessage("USERS", request);
  } catch (error) {
    if ((error as NatsError).api_error?.err_code === NO_MESSAGE_FOUND) return undefined;
    throw error;
  }
}

// https://github.com/nats-io/nats-server/blob/main/server/errors.json
const NO_MESSAGE_FOUND = 10_037;
