import { jsonResponse } from "../http/response.ts";
import type { Page } from "./html-page.ts";

export function homePage(version: string): Page {
  const links = {
    api: "/api/v1",
    docs: "/docs",
    openapi: "/openapi.json",
    health: "/health",
    jwks: "/.well-known/jwks.json",
  };
  const answer = jsonResponse(200, {
    success: true,
    message: "Usermesh is running.",
    data: { service: "usermesh", version, links },
  });
  return () => answer;
}
