import { readFile } from "node:fs/promises";
import { brandColors } from "../../../../lib/branding/brand-colors.ts";
import type { Config } from "../../../../lib/config/config.ts";
import type { Handler } from "../../http/request-context.ts";
import type { HttpResponse } from "../../http/response.ts";

/** The brand's logo, or else a small mesh in its colour. It is read once. */
export function faviconPage({ logo, color }: Config["brand"]): Handler {
  let response: Promise<HttpResponse> | undefined;
  return () => {
    response ??= logo === undefined ? Promise.resolve(svg(defaultMark(color))) : readLogo(logo);
    response.catch(() => {
      response = undefined;
    });
    return response;
  };
}

async function readLogo(path: string): Promise<HttpResponse> {
  const body = await readFile(path);
  return path.toLowerCase().endsWith(".svg") ? svg(body) : { ...svg(body), contentType: "image/png" };
}

function svg(body: string | Buffer): HttpResponse {
  return { status: 200, contentType: "image/svg+xml", body, cacheControl: "public, max-age=3600" };
}

function defaultMark(color: string): string {
  const { light, onLight } = brandColors(color);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="${light}"/><g stroke="${onLight}" stroke-width="2" stroke-linecap="round"><path d="M10.5 11l11 3.2M10.5 11l3.6 11M21.5 14.2l-7.4 7.8"/></g><g fill="${onLight}"><circle cx="10.5" cy="11" r="3.2"/><circle cx="21.800" cy="14.300" r="2.7"/><circle cx="14" cy="22.300" r="2.7"/></g></svg>`;
}
