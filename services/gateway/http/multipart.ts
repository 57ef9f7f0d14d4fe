import type { IncomingMessage } from "node:http";
import { Busboy, type BusboyHeaders } from "@fastify/busboy";
import { AppError, type FieldError, fieldError } from "../../../lib/actions/errors.ts";

type Parser = InstanceType<typeof Busboy>;

/** Allowance for what surrounds the file: boundaries and part headers. */
const MAX_OVERHEAD_BYTES = 16_384;
const MAX_PARTS = 10;

/** Reads the part `file` of a multipart body (RFC 7578), which must be its only part. Rejects with 415, 413, 400 or 422. */
export async function readFilePart(request: IncomingMessage, maxFileBytes: number): Promise<Buffer> {
  assertContentType(request);
  const maxBodyBytes = maxFileBytes + MAX_OVERHEAD_BYTES;
  if (Number(request.headers["content-length"]) > maxBodyBytes) throw new AppError("payload_too_large");
  const { files, errors } = await readUpload(request, maxFileBytes, maxBodyBytes);
  if (files.length > 1) errors.push({ field: "file", code: "too_many_files", message: "must be a single file" });
  if (errors.length > 0) throw new AppError("validation_failed", { errors });
  if (!files[0]) throw fieldError("file", "required", "is required");
  return Buffer.concat(files[0]);
}

function assertContentType({ headers }: IncomingMessage): void {
  const isMultipart = /^multipart\/form-data[ \t]*;/i.test(headers["content-type"] ?? "");
  const isEncoded = headers["content-encoding"] !== undefined && headers["content-encoding"] !== "identity";
  if (isMultipart && !isEncoded) return;
  const message = "Send the file as multipart/form-data in a part named `file`.";
  throw new AppError("unsupported_media_type", { message });
}

/** What has been read of the body so far. */
interface Upload {
  /** The chunks of each part `file`. */
  readonly files: Buffer[][];
  readonly errors: FieldError[];
  isTooLarge: boolean;
}

/** Rejects as soon as the body is malformed or too large; the rest of it is then discarded (see linger.ts). */
function readUpload(request: IncomingMessage, maxFileBytes: number, maxBodyBytes: number): Promise<Upload> {
  return new Promise((resolve, reject) => {
    const upload: Upload = { files: [], errors: [], isTooLarge: false };
    let size = 0;
    const refuse = (error: AppError): void => {
      request.unpipe();
      request.resume();
      reject(error);
    };
    const parser = openParser(request, maxFileBytes);
    collectParts(parser, upload, () => refuse(brokenBody()));
    parser.on("error", () => refuse(upload.isTooLarge ? fileTooLarge() : brokenBody()));
    parser.on("finish", () => (upload.isTooLarge ? reject(fileTooLarge()) : resolve(upload)));
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxBodyBytes) refuse(fileTooLarge());
    });
    // If the client disconnects, neither the parser nor the request emits its end.
    request.on("close", () => request.complete || refuse(brokenBody()));
    request.pipe(parser);
  });
}

function collectParts(parser: Parser, upload: Upload, onBrokenPart: () => void): void {
  const { files, errors } = upload;
  parser.on("file", (name, stream) => {
    const chunks: Buffer[] = [];
    if (name === "file") files.push(chunks);
    else errors.push(unknownField(String(name)));
    // A truncated body also emits an error on its part, which would end the process if there were no listener.
    stream.on("error", onBrokenPart);
    stream.on("limit", () => {
      upload.isTooLarge = true;
      chunks.length = 0;
    });
    stream.on("data", (chunk: Buffer) => name === "file" && !upload.isTooLarge && chunks.push(chunk));
  });
  const notAFile = { field: "file", code: "invalid_type", message: "must be a file" };
  parser.on("field", (name) => errors.push(name === "file" ? notAFile : unknownField(name)));
  parser.on("partsLimit", () => errors.push({ field: "", code: "too_many_parts", message: "has too many parts" }));
}

function openParser(request: IncomingMessage, maxFileBytes: number): Parser {
  try {
    return new Busboy({
      headers: request.headers as BusboyHeaders,
      limits: { fileSize: maxFileBytes, parts: MAX_PARTS, fieldSize: 1_024, fieldNameSize: 100, headerPairs: 20 },
    });
  } catch (cause) {
    throw new AppError("bad_request", { message: "The multipart body is malformed.", cause });
  }
}

const unknownField = (field: string) => ({ field, code: "unknown_field", message: "is not a known field" });
const fileTooLarge = () => new AppError("payload_too_large", { message: "The file is too large." });
const brokenBody = () => new AppError("bad_request", { message: "The multipart body is malformed or was cut off." });
