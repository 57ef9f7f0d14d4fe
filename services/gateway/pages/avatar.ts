import { AppError } from "../../../lib/actions/errors.ts";
import type { Call } from "../../../lib/actions/typed-call.ts";
import type { Handler } from "../http/request-context.ts";

/** The image at a URL never changes; one day is the longest that caches show a removed one. */
const AVATAR_CACHE_CONTROL = "public, max-age=86400, immutable";
const EMBEDDABLE_HEADERS = ["Cross-Origin-Resource-Policy", "cross-origin", "Content-Disposition", "inline"];

export function avatarPage(call: Call): Handler {
  return async (_, { image = "" }) => {
    const size = image.includes("-") ? "thumb" : "full";
    const avatar = await call("users.avatar", { key: image.slice(0, 32), size });
    if (!avatar) throw new AppError("not_found");
    return {
      status: 200,
      contentType: "image/webp",
      body: Buffer.from(avatar.webp, "base64"),
      cacheControl: AVATAR_CACHE_CONTROL,
      headers: EMBEDDABLE_HEADERS,
    };
  };
}
