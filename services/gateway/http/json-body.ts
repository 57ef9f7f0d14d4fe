import type { IncomingMessage } from "node:http";
import { AppError } from "../../../lib/actions/errors.ts";
import { parse, scanJson } from "./json-scan.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

const NOTHING: JsonObject = Object.freeze({});
const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Reads a body of JSON: the doors 415, 413 and 400 in this order. No body at all is an empty object. */
export async function readJsonBody(request: IncomingMessage, limit: number): Promise<JsonObject> {
  if (!hasBody(request)) return NOTHING;
  assertContentType(request);
  const bytes = await readBytes(request, limit);
  if (bytes.length === 0) return NOTHING;
  return toObject(decode(bytes));
}

/** A form of distinct fields as an object (RFC 7662 section 2.1), JSON as ever. */
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
  if (!isJson(headers["content-type"] ?? "")) throw new AppError("unsupported_media_type");
}

function isJson(type: string): boolean {
  return type === "application/json" || /^application\/json[ \t]*(?:;[ \t]*charset="?utf-?8"?[ \t]*)?;?$/i.test(type);
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
  const value = parse(text);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw new AppError("invalid_json", { message: "The request body must be a JSON object." });
}
