import { isError } from "../../lib/errors.ts";
import { newId } from "../../lib/ids.ts";
import type { ActionContext } from "../../lib/mesh.ts";
import type { AuthDeps } from "./dependencies.ts";

interface Attempt {
  readonly tenantId: string;
  /** Null where nobody has that name. */
  readonly userId: string | null;
}

/**
 * A refused sign-in goes to the activity log directly and nobody waits for it: as a fact of the outbox every guess would
 * stay in the stream of the mesh for ever. Those that are turned away unseen (429) are counted, not logged.
 */
export function noteRefusedSignIn(
  { clock, random, log }: Pick<AuthDeps, "clock" | "random" | "log">,
  ctx: Pick<ActionContext, "call" | "client">,
  { tenantId, userId }: Attempt,
  error: unknown,
): void {
  if (!isError(error, "invalid_credentials", "account_disabled", "email_not_verified")) return;
  const noted = ctx.call("admin.record", {
    id: newId(clock, random),
    tenant_id: tenantId,
    action: "sign_in.refused",
    actor_id: null,
    user_id: userId,
    at: clock.now().toISOString(),
    ip: ctx.client.ip.slice(0, 64) || null,
    details: { code: error.type },
  });
  noted.catch((failure: Error) => log.warn({ error: failure.message }, "could not log a refused sign-in"));
}
