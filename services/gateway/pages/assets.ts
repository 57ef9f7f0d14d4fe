import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { AppError } from "../../../lib/actions/errors.ts";
import type { Handler } from "../http/request-context.ts";
import type { HttpResponse } from "../http/response.ts";

const ownAssets = join(import.meta.dirname, "..", "assets");
const require = createRequire(import.meta.url);
const swagger = dirname(require.resolve("swagger-ui-dist/package.json"));

/** The files that are served, by name. No other path is ever read. */
const files: ReadonlyMap<string, string> = new Map([
  ...["page.css", "post-token.js", "verify-email.js", "reset-password.js", "docs.js", "redoc.js"].map(
    (name) => [name, join(ownAssets, name)] as const,
  ),
  ["redoc-standalone.js", require.resolve("redoc/bundles/redoc.standalone.js")],
  ...["swagger-ui.css", "swagger-ui-bundle.js"].map((name) => [name, join(swagger, name)] as const),
]);

/** Each file is read once, on its first request. One that could not be read is tried again. */
const responses = new Map<string, Promise<HttpResponse>>();

export const assetPage: Handler = (_, { file = "" }) => {
  const path = files.get(file);
  if (path === undefined) throw new AppError("not_found");
  const response = responses.get(file) ?? load(path);
  responses.set(file, response);
  response.catch(() => responses.delete(file));
  return response;
};

async function load(path: string): Promise<HttpResponse> {
  const contentType = path.endsWith(".css") ? "text/css; charset=utf-8" : "text/javascript; charset=utf-8";
  return { status: 200, contentType, body: await readFile(path), cacheControl: "public, max-age=3600" };
}
