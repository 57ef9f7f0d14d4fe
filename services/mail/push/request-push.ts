import { randomUUID } from "node:crypto";
import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import type { MailDeps } from "../mail.deps.ts";
import type { PushJob } from "./push.contract.ts";
import { insertPush } from "./pushes.repo.ts";

type Params = Actions["mail.push"]["params"];
type Deps = Pick<MailDeps, "config" | "db" | "outbox">;

/**
 * The job gets its own random id, because the outbox drops a job whose id it already contains, and a caller may choose
 * the id of another job or event.
 */
export async function requestPush(
  { config, db, outbox }: Deps,
  { params, call, correlationId }: Pick<ActionContext<Params>, "params" | "call" | "correlationId">,
): Promise<Actions["mail.push"]["result"]> {
  if (config.push.url === undefined)
    throw new AppError("push_unavailable", {
      message: "No push service is configured. Set PUSH_URL for the mail service.",
    });
  const { id, user_id } = params;
  if (!(await call("users.get", { id: user_id })))
    throw new AppError("not_found", { message: "The user was not found." });
  const data: PushJob = { id, correlation_id: correlationId };
  await db.transaction(async (tx) => {
    if (!(await insertPush(tx, { ...params, data: params.data ?? {} }))) return;
    await outbox.enqueue(tx, { queue: "push", job: { id: randomUUID(), name: "push", data }, userId: user_id });
  });
  return { id };
}
