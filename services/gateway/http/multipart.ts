import type { IncomingMessage } from "node:http";
import busboy from "busboy";
import { AppError, type FieldError } from "../../../lib/actions/errors.ts";

/** What the frame around a file may take: boundaries and the heads of its parts. */
const FRAME_BYTES = 16_384;
const MAX_PARTS = 10;

/** The one part `file` of a multipart body (RFC 7578), and nothing beside it: the doors 415, 413, 400 and 422. */
export async function readFilePart(request: IncomingMessage, mostBytes: number): Promise<Buffer> {
  assertContentType(request);
  const most = mostBytes + FRAME_BYTES;
  if (Number(request.headers["content-length"]) > 2 * most) throw new AppError("payload_too_large");
  const parts = await readParts(request, mostBytes, most);
  if (parts.problems.length > 0) throw new AppError("validation_failed", { errors: parts.problems });
  if (!parts.file) throw refusedFile("required", "is required");
  return parts.file;
}

export function refusedFile(code: string, message: string): AppError {
  return new AppError("validation_failed", { errors: [{ field: "file", code, message }] });
}

function assertContentType({ headers }: IncomingMessage): void {
  const isMultipart = /^multipart\/form-data[ \t]*;/i.test(headers["content-type"] ?? "");
  const isEncoded = headers["content-encoding"] !== undefined && headers["content-encoding"] !== "identity";
  if (!isMultipart || isEncoded)
    throw new AppError("unsupported_media_type", {
      message: "Send the file as multipart/form-data in a part named `file`.",
    });
}

interface Parts {
  readonly file: Buffer | undefined;
  readonly problems: readonly FieldError[];
}

/** Reads all that comes, also of a body that is refused: a client that is still sending would not see the answer. */
function readParts(request: IncomingMessage, mostBytes: number, most: number): Promise<Parts> {
  return new Promise((resolve, reject) => {
    const problems: FieldError[] = [];
    const files: Buffer[][] = [];
    let size = 0;
    let isTooLarge = false;
    const refuse = (error: AppError): void => {
      request.unpipe();
      request.resume();
      reject(error);
    };
    const parser = openParser(request, mostBytes);
    parser.on("file", (name, stream) => {
      const chunks: Buffer[] = [];
      if (name === "file") files.push(chunks);
      else problems.push({ field: String(name), code: "unknown_field", message: "is not a known field" });
      // Of a body that breaks off the part is told too; unheard, that would end the process.
      stream.on("error", () => refuse(broken()));
      stream.on("limit", () => {
        isTooLarge = true;
        chunks.length = 0;
      });
      stream.on("data", (chunk: Buffer) => name === "file" && !isTooLarge && chunks.push(chunk));
    });
    parser.on("field", (name) => {
      const known = { field: "file", code: "invalid_type", message: "must be a file" };
      problems.push(name === "file" ? known : { field: name, code: "unknown_field", message: "is not a known field" });
    });
    parser.on("partsLimit", () => problems.push({ field: "", code: "too_many_parts", message: "has too many parts" }));
    parser.on("error", () => refuse(isTooLarge ? tooLarge() : broken()));
    parser.on("close", () => {
      if (isTooLarge) return reject(tooLarge());
      if (files.length > 1) problems.push({ field: "file", code: "too_many_files", message: "must be a single file" });
      resolve({ file: files[0] && Buffer.concat(files[0]), problems });
    });
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > most) isTooLarge = true;
      if (size > 2 * most) refuse(tooLarge());
    });
    // A client that goes away in the middle ends neither the parser nor the body.
    request.on("close", () => request.complete || refuse(broken()));
    request.pipe(parser);
  });
}

function openParser(request: IncomingMessage, mostBytes: number): busboy.Busboy {
  try {
    return busboy({
      headers: request.headers,
      limits: { fileSize: mostBytes, parts: MAX_PARTS, fieldSize: 1_024, fieldNameSize: 100, headerPairs: 20 },
    });
  } catch (cause) {
    throw new AppError("bad_request", { message: "The multipart body is malformed.", cause });
  }
}

const tooLarge = () => new AppError("payload_too_large", { message: "The file is too large." });
const broken = () => new AppError("bad_request", { message: "The multipart body is malformed or was cut off." });
