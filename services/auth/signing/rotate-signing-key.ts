import { DEFAULT_TENANT_ID, operatorName, requireAdministrator } from "../../../lib/actions/caller.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import { listKeyTimes, type SigningKeyRow } from "./signing-keys.repo.ts";
import { type KeyDeps, replaceKeys } from "./signing-keys.ts";

type View = Actions["auth.signingKeys"]["result"][number];

/** Gateways fetch the published keys every 10 s, and clients may cache them for 60 s. Nodes that sign reload them every 10 s. */
const PUBLISH_BEFORE_SIGNING_MS = 120_000;

export async function viewSigningKeys({ db, clock }: Pick<KeyDeps, "db" | "clock">): Promise<View[]> {
  const now = clock.now().getTime();
  return (await listKeyTimes(db, now)).map((row) => ({
    kid: row.kid,
    alg: row.alg,
    state: stateOf(row, now),
    sealed_under: row.sealed_under,
    sign_from: iso(row.sign_from),
    sign_until: iso(row.sign_until),
    verify_until: iso(row.verify_until),
  }));
}

export async function rotateSigningKey(
  deps: KeyDeps,
  ctx: ActionContext,
): Promise<Actions["auth.rotateSigningKey"]["result"]> {
  const now = deps.clock.now().getTime();
  await recordRotation(deps, ctx);
  if (!(await replaceKeys(deps, now, now + PUBLISH_BEFORE_SIGNING_MS))) throw new AppError("conflict");
  const [created] = await listKeyTimes(deps.db, now);
  if (!created) throw new Error("The new signing key was not stored");
  return { kid: created.kid, sign_from: iso(created.sign_from) };
}

/** Before the rotation, so that none is made that can't be recorded. */
async function recordRotation({ clock, random }: KeyDeps, { caller, client, call }: ActionContext): Promise<void> {
  const { user_id, home_tenant_id } = requireAdministrator(caller);
  await call("admin.record", {
    id: newId(clock, random),
    tenant_id: home_tenant_id ?? DEFAULT_TENANT_ID,
    action: "signing_key.rotated",
    actor_id: user_id,
    actor: caller.kind === "operator" ? operatorName(caller) : null,
    user_id: null,
    at: clock.now().toISOString(),
    ip: client.ip === "" ? null : client.ip,
    details: {},
  });
}

function stateOf({ sign_from, sign_until }: SigningKeyRow, now: number): View["state"] {
  if (sign_from > now) return "next";
  return sign_until > now ? "signing" : "verifying";
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
