import type { JetStreamManager, NatsError, SeqMsgRequest } from "nats";
import { type MeshEvent, subjectOf } from "./events.ts";

type User = Pick<MeshEvent, "user_id" | "tenant_id">;

/**
 * By the number of `user.erased` and not by subject alone: that would take `user.erased` too where it has just arrived.
 * What a relay published after it is deleted one by one. On SESSIONS nothing of an erased user is of use.
 */
export async function purgeUser(manager: JetStreamManager, user: User): Promise<boolean> {
  const subject = subjectOf({ ...user, event_type: "user.erased" });
  const erased = await findErased(manager, subject);
  if (erased === undefined) return false;
  await manager.streams.purge("USERS", { filter: subject, seq: erased.seq });
  for (const seq of erased.others) await manager.streams.deleteMessage("USERS", seq, true);
  await manager.streams.purge("SESSIONS", { filter: subjectOf({ ...user, event_type: "session.revoked" }) });
  return true;
}

/** The first `user.erased` of the subject, and what stands behind it. */
async function findErased(
  manager: JetStreamManager,
  subject: string,
): Promise<{ readonly seq: number; readonly others: readonly number[] } | undefined> {
  let seq: number | undefined;
  const others: number[] = [];
  for (
    let next = await messageFrom(manager, subject, 1);
    next;
    next = await messageFrom(manager, subject, next.seq + 1)
  ) {
    if (seq === undefined && next.json<MeshEvent>().event_type === "user.erased") seq = next.seq;
    else if (seq !== undefined) others.push(next.seq);
  }
  return seq === undefined ? undefined : { seq, others };
}

/** The first message of the subject that has this number or a later one. */
async function messageFrom(manager: JetStreamManager, subject: string, seq: number) {
  try {
    // Not by `direct`, which may ask a replica that lags. The client's types lack what the server takes.
    const request: SeqMsgRequest & { next_by_subj: string } = { seq, next_by_subj: subject };
    return await manager.streams.getMessage("USERS", request);
  } catch (error) {
    if ((error as NatsError).api_error?.err_code === NO_MESSAGE_FOUND) return undefined;
    throw error;
  }
}

// https://github.com/nats-io/nats-server/blob/main/server/errors.json
const NO_MESSAGE_FOUND = 10_037;
