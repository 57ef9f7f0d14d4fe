import type { IncomingMessage } from "node:http";
import { fileTypeFromBuffer } from "file-type";
import type { Sharp, SharpOptions } from "sharp";
import { AppError, fieldError } from "../../../lib/actions/errors.ts";
import type { Config } from "../../../lib/config/config.ts";
import { createBulkhead, OverloadedError } from "../../../lib/runtime/bulkhead.ts";
import { readFilePart } from "../http/multipart.ts";

/** Rejects with 503 `overloaded`, or 413, 415 or 422 for the file. Both images are base64, to cross the bus. */
export type ReadAvatar = (request: IncomingMessage) => Promise<{ readonly image: string; readonly thumbnail: string }>;

const FULL_PIXELS = 512;
const THUMBNAIL_PIXELS = 96;
/** The resolution of today's phone cameras. Decoding an image of this size takes 200 MB. */
const MAX_PIXELS = 50_000_000;
/** Keeps both images in base64 below the bus's message limit. Only noise comes near it. */
const MAX_IMAGE_BYTES = 280_000;
const QUALITIES = [82, 60, 30, 1];
/** Each upload is held in memory, up to UPLOAD_MAX_BYTES. */
const UPLOADS = { concurrency: 8, queue: 0 };
/** libvips uses the threads that also verify tokens and hash passwords. */
const DECODERS = { concurrency: 1, queue: UPLOADS.concurrency };
/** The supported formats by file-type's extension, and libvips's reader of each. */
const LOADERS = new Map([
  ["jpg", "VipsForeignLoadJpeg"],
  ["png", "VipsForeignLoadPng"],
  ["gif", "VipsForeignLoadNsgif"],
  ["webp", "VipsForeignLoadWebp"],
]);

/**
 * Re-encodes an upload in two sizes, so that only its pixels remain and everything else in the file, from a location to a
 * script, is dropped. The format is detected from the content, not from the file name or the declared type.
 */
export function createAvatarUploads({ maxBytes, avatarFormats }: Config["uploads"]): ReadAvatar {
  const uploading = createBulkhead(UPLOADS);
  const decoding = createBulkhead(DECODERS);
  return (request) =>
    uploading(async () => {
      const bytes = await readFilePart(request, maxBytes);
      await assertSupportedFormat(bytes, avatarFormats);
      return decoding(() => reencode(bytes));
    }).catch(throwAppError);
}

async function assertSupportedFormat(bytes: Buffer, formats: readonly string[]): Promise<void> {
  const type = await fileTypeFromBuffer(bytes).catch(() => undefined);
  if (type && formats.includes(type.ext) && LOADERS.has(type.ext)) return;
  throw fieldError("file", "unsupported_format", `must be an image in one of these formats: ${formats.join(", ")}`);
}

async function reencode(bytes: Buffer) {
  try {
    const decode = await openDecoder();
    const image = await toWebP(decode(bytes), FULL_PIXELS);
    const thumbnail = await toWebP(decode(bytes), THUMBNAIL_PIXELS);
    return { image: image.toString("base64"), thumbnail: thumbnail.toString("base64") };
  } catch (error) {
    if (/pixel limit/.test((error as Error).message))
      throw fieldError("file", "too_many_pixels", `must have at most ${MAX_PIXELS} pixels`);
    throw fieldError("file", "not_an_image", "is not a readable image");
  }
}

type Decode = (bytes: Buffer) => Sharp;
let decoder: Promise<Decode> | undefined;

/** Loads sharp with the first upload, and blocks all readers of libvips but those of the supported formats. */
function openDecoder(): Promise<Decode> {
  decoder ??= import("sharp").then(({ default: sharp }) => {
    sharp.cache(false);
    sharp.concurrency(1);
    sharp.block({ operation: ["VipsForeignLoad"] });
    sharp.unblock({ operation: [...LOADERS.values()] });
    const options: SharpOptions = { limitInputPixels: MAX_PIXELS, pages: 1, failOn: "error", sequentialRead: true };
    return (bytes) => sharp(bytes, options);
  });
  return decoder;
}

async function toWebP(image: Sharp, size: number): Promise<Buffer> {
  const square = image.autoOrient().resize(size, size, { fit: "cover" }).timeout({ seconds: 5 });
  for (const quality of QUALITIES) {
    const bytes = await square.clone().webp({ quality }).toBuffer();
    if (bytes.length <= MAX_IMAGE_BYTES) return bytes;
  }
  throw new Error("The image exceeds the size limit even at the lowest quality");
}

function throwAppError(error: unknown): never {
  throw error instanceof OverloadedError ? new AppError("overloaded", { retry_after: 2, cause: error }) : error;
}
