import type { IncomingMessage } from "node:http";
import { expect, test } from "@jest/globals";
import pino from "pino";
import { createCors } from "../../../services/gateway/http/headers.ts";

function preflights(environment: string, origins: readonly string[]): string {
  const lines: string[] = [];
  const log = pino({}, { write: (line: string) => void lines.push(line) });
  const http = { allowedOrigins: ["http://localhost:5173"] };
  const { preflightFor } = createCors({ config: { environment, http }, log, clock: { monotonic: () => 0 } });
  for (const origin of origins) preflightFor({ headers: { origin } } as IncomingMessage, "GET");
  return lines.join("");
}

test("in development, a refused origin is logged once, with the setting that allows it", () => {
  const logged = preflights("development", ["http://localhost:5174", "http://localhost:5174", "http://localhost:5173"]);
  expect(logged.match(/ALLOWED_ORIGINS/g)).toHaveLength(1);
  expect(logged).toContain('"origin":"http://localhost:5174"');
});

test("in production, a refused origin is not logged, because anyone can send any origin", () => {
  expect(preflights("production", ["http://localhost:5174"])).toBe("");
});
