import { AppError } from "../../../lib/actions/errors.ts";
import type { Call } from "../../../lib/actions/typed-call.ts";
import type { Page } from "./html-page.ts";

/** The picture behind an address never changes; a day bounds how long a removed one is still shown. */
const CACHE = "public, max-age=86400, immutable";
const SHOWN_ANYWHERE = ["Cross-Origin-Resource-Policy", "cross-origin", "Content-Disposition", "inline"];

export function avatarPage(call: Call): Page {
  return async (_, { image = "" }) => {
    const size = image.includes("-") ? "thumb" : "full";
    const found = await call("users.avatar", { key: image.slice(0, 32), size });
    if (!found) throw new AppError("not_found");
    const body = Buffer.from(found.webp, "base64");
    return { status: 200, contentType: "image/webp", body, cacheControl: CACHE, headers: SHOWN_ANYWHERE };
  };
}
