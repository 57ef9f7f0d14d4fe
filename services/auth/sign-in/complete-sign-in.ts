import type * as z from "zod";
import { AppError, isError } from "../../../lib/actions/errors.ts";
import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import { encode } from "../../../lib/crypto/base64url.ts";
import { formatDeviceToken } from "../../../lib/crypto/device-token.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import type { LoginResult } from "../contract/login-result.contract.ts";
import type { AuthDeps } from "../dependencies.ts";
import { findPasswordCredential } from "../password/credentials.repo.ts";
import { issueAccessToken } from "./issue-access-token.ts";

type SignInDeps = Pick<AuthDeps, "config" | "clock" | "random" | "ring" | "db" | "log" | "signingKeys">;

interface AuthenticatedUser {
  readonly user_id: string;
  readonly tenant_id: string;
  /** The account's epoch, read before everything that decided the sign-in. */
  readonly epoch: number;
  /** Authentication methods (RFC 8176); `fed` for a sign-in with a provider. */
  readonly amr: string[];
  readonly device_name: string | null;
  /** When a provider authenticated the person, in seconds. Missing: now. */
  readonly auth_time?: number;
  /** The refresh token of the session that this browser had before, which ends. */
  readonly replaces?: string | undefined;
}

interface SignInOptions {
  /** Null for a device that has not signed in before. */
  readonly deviceId?: string | null;
  /** The password credential that was checked. Missing for a sign-in without a password. */
  readonly credentialId?: string | undefined;
  readonly sessionId?: string;
}

const DEVICE_ID_BYTES = 16;

/** The last step of every sign-in, by password or provider: creates the session and issues its tokens. */
export async function completeSignIn(
  deps: SignInDeps,
  ctx: Pick<ActionContext, "call" | "client">,
  { replaces, ...authenticated }: AuthenticatedUser,
  { deviceId = null, credentialId, sessionId = newId(deps.clock, deps.random) }: SignInOptions = {},
): Promise<z.infer<typeof LoginResult>> {
  const grant = await ctx.call("sessions.create", {
    id: sessionId,
    ...authenticated,
    ip: ctx.client.ip.slice(0, 64) || null,
    user_agent: ctx.client.user_agent.slice(0, 1_024) || null,
  });
  const [accessToken, user, device_token] = await Promise.all([
    issueAccessToken(deps, ctx, grant),
    ctx.call("users.get", { id: authenticated.user_id }),
    issueDeviceToken(deps, {
      userId: authenticated.user_id,
      deviceId: deviceId ?? encode(deps.random.bytes(DEVICE_ID_BYTES)),
      credentialId,
    }),
  ]);
  if (!user) throw new AppError("session_ended");
  if (replaces !== undefined) await endReplacedSession(deps, ctx, replaces);
  recordLogin(deps, ctx, user.id);
  return {
    status: "signed_in",
    ...accessToken,
    refresh_token: grant.refresh_token,
    refresh_expires_in: grant.refresh_expires_in,
    session_id: grant.session_id,
    device_token,
    user,
  };
}

async function issueDeviceToken(
  { db, ring }: SignInDeps,
  {
    credentialId,
    ...parts
  }: { readonly userId: string; readonly deviceId: string; readonly credentialId?: string | undefined },
): Promise<string> {
  const id = credentialId ?? (await findPasswordCredential(db, parts.userId))?.id ?? null;
  return formatDeviceToken(ring, { ...parts, credentialId: id });
}

/**
 * Terminates the session that the browser had before (ASVS 5.0 V7.2.4). The cookie may have expired, so a token that is
 * refused has nothing to end; nor does the sign-in fail because the former session can't be ended now.
 */
async function endReplacedSession(
  { log }: SignInDeps,
  ctx: Pick<ActionContext, "call">,
  refresh_token: string,
): Promise<void> {
  try {
    await ctx.call("sessions.logout", { refresh_token });
  } catch (error) {
    if (isError(error, "refresh_token_invalid")) return;
    log.warn({ error: (error as Error).message }, "ending the replaced session failed");
  }
}

/** Not awaited: recording the time of the login must neither delay the sign-in nor make it fail. */
function recordLogin({ clock, log }: SignInDeps, ctx: Pick<ActionContext, "call">, id: string): void {
  const params = { id, at: clock.now().toISOString() };
  const recorded = ctx.call("users.recordLogin", params, { outlivesRequest: true });
  recorded.catch((error: Error) => log.debug({ error: error.message }, "recording a sign-in failed"));
}
