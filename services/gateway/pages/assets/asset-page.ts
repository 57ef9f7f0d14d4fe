import { AppError } from "../../../../lib/actions/errors.ts";
import { encodedFor } from "../../http/compression.ts";
import type { Handler } from "../../http/request-context.ts";
import type { HttpResponse } from "../../http/response.ts";
import type { Asset, Assets } from "./assets.ts";

const IMMUTABLE = "public, max-age=31536000, immutable";

/** Serves what has been built for a page. After a restart, `build` builds the assets of all pages again. */
export function assetPage(assets: Assets, build: () => Promise<unknown>): Handler {
  return async ({ request }, { file = "" }) => {
    if (!assets.find(file)) await build();
    const asset = assets.find(file);
    if (!asset) throw new AppError("not_found");
    return respondWith(asset, request.headers["accept-encoding"]);
  };
}

function respondWith({ contentType, body, compressed }: Asset, accepted: string | string[] | undefined): HttpResponse {
  const sent = compressed ? encodedFor(compressed, accepted) : { body };
  return { status: 200, contentType, cacheControl: IMMUTABLE, ...sent };
}
