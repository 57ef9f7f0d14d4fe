import { AppError } from "../../../lib/actions/errors.ts";
import { type ActionContext, type Actions, servicesWith } from "../../../lib/actions/typed-call.ts";
import type { Clock, Random } from "../../../lib/runtime/clock.ts";
import { newId } from "../../../lib/runtime/ids.ts";

/** Called before the operation, so that nothing is done that can't be recorded. */
type RecordOperation = (action: "events.replayed", details: Record<string, string>) => Promise<void>;

export async function replayEvents(
  { clock, random }: { readonly clock: Clock; readonly random: Random },
  { params, call }: ActionContext<Actions["admin.replayEvents"]["params"]>,
  record: RecordOperation,
): Promise<{ replayed: number }> {
  const { service, since, user_id } = params;
  const sources = servicesWith("replayEvents");
  if (!sources.some((name) => name === service))
    throw new AppError("not_found", { message: `Events come from ${sources.join(", ")}.` });
  const replay = newId(clock, random);
  await record("events.replayed", { service, since, replay });
  return call(`${service as "users"}.replayEvents`, { since, replay, ...(user_id !== undefined && { user_id }) });
}
