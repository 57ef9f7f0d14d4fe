import { AppError } from "../../../lib/actions/errors.ts";
import { encode } from "../../../lib/crypto/base64url.ts";
import type { Ctx, SessionsDeps } from "../sessions.deps.ts";
import { describeDevice } from "./device.ts";
import { toGrant } from "./refresh-token.ts";
import * as repo from "./sessions.repo.ts";

/**
 * 401 `session_ended` if the account's epoch has moved since the sign-in read it: a password reset, a deactivation or
 * a logout everywhere happened in between. 409 if the id is taken.
 */
export async function createSession({ platform, db, outbox, lifetimesOf }: SessionsDeps, ctx: Ctx<"create">) {
  const { id, user_id, tenant_id, epoch, amr, auth_time, device_name, ip, user_agent } = ctx.params;
  const event = {
    type: "session.created",
    userId: user_id,
    tenantId: tenant_id,
    correlationId: ctx.correlationId,
    data: { session_id: id, ...(ip && { ip }) },
  } as const;
  const result = await repo.createSession(db, {
    id,
    userId: user_id,
    tenantId: tenant_id,
    epoch,
    kid: platform.ring.active,
    salt: encode(platform.random.bytes(16)),
    amr,
    authTime: auth_time ?? null,
    device: describeDevice(user_agent, device_name),
    ip: ip ?? null,
    ...(await lifetimesOf(ctx.call, tenant_id)),
    createdEvent: outbox.buildEvent(event),
  });
  if (result.outcome === "epoch_moved") throw new AppError("session_ended");
  if (result.outcome === "exists") throw new AppError("conflict");
  outbox.wake();
  return toGrant(platform.ring, result.grant);
}
