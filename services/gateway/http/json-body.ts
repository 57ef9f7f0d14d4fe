import type { IncomingMessage } from "node:http";
import { AppError } from "../../../lib/actions/errors.ts";
import { parseJson, scanJson } from "./json-scan.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

const EMPTY: JsonObject = Object.freeze({});
const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Reads a JSON object. Rejects with 415, 413 or 400, in this order. A missing body is an empty object. */
export async function readJsonBody(request: IncomingMessage, limit: number): Promise<JsonObject> {
  if (!hasBody(request)) return EMPTY;
  assertContentType(request);
  const bytes = await readBytes(request, limit);
  if (bytes.length === 0) return EMPTY;
  return toObject(decode(bytes));
}

/** Also accepts a form (RFC 7662 section 2.1) in which no field is repeated. */
export async function readFormOrJsonBody(request: IncomingMessage, limit: number): Promise<JsonObject> {
  const type = request.headers["content-type"] ?? "";
  if (!hasBody(request) || !/^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(type))
    return readJsonBody(request, limit);
  const fields = [...new URLSearchParams(decode(await readBytes(request, limit)))];
  const body: JsonObject = Object.fromEntries(fields);
  if (Object.keys(body).length < fields.length)
    throw new AppError("bad_request", { message: "The request body contains a field twice." });
  return body;
}

function hasBody(request: IncomingMessage): boolean {
  const length = request.headers["content-length"];
  return (length !== undefined && length !== "0") || request.headers["transfer-encoding"] !== undefined;
}

function assertContentType({ headers }: IncomingMessage): void {
  const encoding = headers["content-encoding"];
  if (encoding !== undefined && encoding.toLowerCase() !== "identity") {
    throw new AppError("unsupported_media_type", { message: "Send the request body without a content encoding." });
  }
  const isJson = /^application\/json[ \t]*(?:;[ \t]*charset="?utf-?8"?[ \t]*)?;?$/i.test(headers["content-type"] ?? "");
  if (!isJson) throw new AppError("unsupported_media_type");
}

function readBytes(request: IncomingMessage, limit: number): Promise<Buffer> {
  if (Number(request.headers["content-length"]) > limit) return Promise.reject(new AppError("payload_too_large"));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= limit) return void chunks.push(chunk);
      request.removeAllListeners("data");
      request.resume();
      reject(new AppError("payload_too_large"));
    });
    request.on("end", () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)));
    request.on("error", () => reject(new AppError("bad_request", { message: "The request body was cut off." })));
  });
}

function decode(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new AppError("invalid_json", { message: "The request body is not valid UTF-8." });
  }
}

function toObject(text: string): JsonObject {
  scanJson(text);
  const value = parseJson(text);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw new AppError("invalid_json", { message: "The request body must be a JSON object." });
}
