import { json } from "../http/answer.ts";
import type { Page } from "./page.ts";

export function homePage(version: string): Page {
  const links = {
    api: "/api/v1",
    docs: "/docs",
    openapi: "/openapi.json",
    health: "/health",
    jwks: "/.well-known/jwks.json",
  };
  const answer = json(200, {
    success: true,
    message: "Usermesh is running.",
    data: { service: "usermesh", version, links },
  });
  return () => answer;
}
