import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, extname, join } from "node:path";
import { AppError } from "../../../lib/actions/errors.ts";
import type { Handler } from "../http/request-context.ts";
import type { HttpResponse } from "../http/response.ts";

const ownAssets = join(import.meta.dirname, "..", "assets");
const swagger = dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));

/** The files that are served, by name. No other path is ever read. */
const files: ReadonlyMap<string, string> = new Map([
  ...["page.css", "post-token.js", "verify-email.js", "reset-password.js", "docs.js", "redoc.js"].map(
    (name) => [name, join(ownAssets, name)] as const,
  ),
  ["redoc-standalone.js", createRequire(import.meta.url).resolve("redoc/bundles/redoc.standalone.js")],
  ...["swagger-ui.css", "swagger-ui-bundle.js"].map((name) => [name, join(swagger, name)] as const),
]);

const types: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
};
/** Each file is read once, on its first request. */
const responses = new Map<string, Promise<HttpResponse>>();

export const assetPage: Handler = (_, { file = "" }) => {
  const path = files.get(file);
  if (path === undefined) throw new AppError("not_found");
  const response = responses.get(file) ?? load(path);
  responses.set(file, response);
  return response;
};

async function load(path: string): Promise<HttpResponse> {
  const body = await readFile(path);
  return {
    status: 200,
    contentType: types[extname(path)] ?? "application/octet-stream",
    body,
    cacheControl: "public, max-age=3600",
  };
}
