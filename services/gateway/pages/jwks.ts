import { AppError } from "../../../lib/actions/errors.ts";
import type { PublishedKeys } from "../auth/published-keys.ts";
import { jsonResponse } from "../http/response.ts";
import type { Page } from "./html-page.ts";

/** RFC 7517. Served from what the gateway has, also while auth is away. */
export function jwksPage(keys: PublishedKeys): Page {
  return () => {
    if (!keys.latest) throw new AppError("service_unavailable", { retry_after: 1 });
    return jsonResponse(200, keys.latest, { cacheControl: "public, max-age=60" });
  };
}
