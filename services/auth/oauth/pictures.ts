import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import type { Config } from "../../../lib/config/config.ts";
import type { MeshEvent } from "../../../lib/events/events.ts";
import { derivedId } from "../../../lib/runtime/ids.ts";
import type { AuthDeps } from "../dependencies.ts";
import { deletePictureUrl, findPictureUrl } from "./identities.repo.ts";

type Pictures = Config["oauth"]["pictures"];
type Deps = Pick<AuthDeps, "db" | "config" | "outbox">;
type PendingPicture = Actions["auth.pendingPicture"];

const MAX_URL_LENGTH = 2_048;

/** The claim `picture` if it may be fetched: the URL of an image (OpenID Connect Core section 5.1). */
export function pictureOf(claim: unknown, pictures: Pictures): string | null {
  if (pictures === "off" || typeof claim !== "string" || claim.length > MAX_URL_LENGTH) return null;
  const url = URL.parse(claim);
  const protocols = pictures === "any" ? ["https:", "http:"] : ["https:"];
  // Not the claim itself, which may contain NUL, which PostgreSQL can't store: `href` has it percent-encoded or removed.
  return url && protocols.includes(url.protocol) && url.username === "" && url.password === "" ? url.href : null;
}

/**
 * On `user.created`: adds the job that fetches the picture. Repeating it is harmless: the job's id is derived from the event,
 * and once the picture is settled there is no URL.
 */
export async function requestPicture({ db, config, outbox }: Deps, event: MeshEvent): Promise<void> {
  const { event_id, user_id, correlation_id } = event;
  if (config.oauth.pictures === "off" || (await findPictureUrl(db, user_id)) === null) return;
  const job = {
    id: derivedId("provider-picture", event_id),
    name: "provider-picture",
    data: { user_id, correlation_id },
  };
  await db.transaction((tx) => outbox.enqueue(tx, { queue: "pictures", userId: user_id, job }));
}

export async function readPendingPicture(
  { db, config }: Pick<Deps, "db" | "config">,
  { params }: ActionContext<PendingPicture["params"]>,
): Promise<PendingPicture["result"]> {
  return { url: config.oauth.pictures === "off" ? null : await findPictureUrl(db, params.user_id) };
}

export async function settlePicture(
  { db }: Pick<Deps, "db">,
  { params }: ActionContext<Actions["auth.settlePicture"]["params"]>,
): Promise<Record<string, never>> {
  await deletePictureUrl(db, params.user_id);
  return {};
}
