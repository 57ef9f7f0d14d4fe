import type { IncomingMessage } from "node:http";
import { fileTypeFromBuffer } from "file-type";
import type { Sharp, SharpOptions } from "sharp";
import { AppError } from "../../../lib/actions/errors.ts";
import type { Config } from "../../../lib/config/config.ts";
import { createBulkhead, OverloadedError } from "../../../lib/runtime/bulkhead.ts";
import { readFilePart, refusedFile } from "../http/multipart.ts";

/** Both in base64, as they cross the bus. */
export interface AvatarImages {
  readonly image: string;
  readonly thumbnail: string;
}

export type ReadAvatar = (request: IncomingMessage) => Promise<AvatarImages>;

const FULL = 512;
const THUMBNAIL = 96;
/** What a telephone takes today; a picture of so many pixels takes 200 MB while it is decoded. */
const MAX_PIXELS = 50_000_000;
/** Below the bus's limit of a message, with both pictures and base64 in it. Noise alone comes near. */
const MAX_IMAGE_BYTES = 280_000;
const QUALITIES = [82, 60, 30, 1];
/** Each holds up to UPLOAD_MAX_BYTES in memory. */
const UPLOADS = { concurrency: 8, queue: 0 };
/** libvips works on the threads that also check tokens and hash passwords. */
const DECODERS = { concurrency: 1, queue: UPLOADS.concurrency };
const loaders = ["Jpeg", "Png", "Nsgif", "Webp"].map((name) => `VipsForeignLoad${name}`);

/**
 * Of an upload only its pixels go on: they are made anew in two sizes, so whatever else the file holds, from a position
 * to a script, ends here. What kind of file it is, its bytes say; neither its name nor what the client calls it counts.
 */
export function createAvatarUploads({ maxBytes, avatarFormats }: Config["uploads"]): ReadAvatar {
  const uploading = createBulkhead(UPLOADS);
  const decoding = createBulkhead(DECODERS);
  return (request) =>
    uploading(async () => {
      const bytes = await readFilePart(request, maxBytes);
      await assertSupportedFormat(bytes, avatarFormats);
      return decoding(() => reencode(bytes));
    }).catch(asAppError);
}

async function assertSupportedFormat(bytes: Buffer, formats: readonly string[]): Promise<void> {
  const found = await fileTypeFromBuffer(bytes).catch(() => undefined);
  if (found && formats.includes(found.ext) && supported.has(found.ext)) return;
  throw refusedFile("unsupported_format", `must be an image in one of these formats: ${formats.join(", ")}`);
}

const supported: ReadonlySet<string> = new Set(["jpg", "png", "gif", "webp"]);

async function reencode(bytes: Buffer): Promise<AvatarImages> {
  try {
    const decode = await openDecoder();
    const [image, thumbnail] = [await toWebP(decode(bytes), FULL), await toWebP(decode(bytes), THUMBNAIL)];
    return { image: image.toString("base64"), thumbnail: thumbnail.toString("base64") };
  } catch (error) {
    if (/pixel limit/.test((error as Error).message))
      throw refusedFile("too_many_pixels", `must have at most ${MAX_PIXELS} pixels`);
    throw refusedFile("not_an_image", "is not a readable image");
  }
}

type Decode = (bytes: Buffer) => Sharp;
let decoder: Promise<Decode> | undefined;

/** Loaded with the first upload. Of libvips's many readers only those that we have a use for stay open. */
function openDecoder(): Promise<Decode> {
  decoder ??= import("sharp").then(({ default: sharp }) => {
    sharp.cache(false);
    sharp.concurrency(1);
    sharp.block({ operation: ["VipsForeignLoad"] });
    sharp.unblock({ operation: loaders });
    const options: SharpOptions = { limitInputPixels: MAX_PIXELS, pages: 1, failOn: "error", sequentialRead: true };
    return (bytes) => sharp(bytes, options);
  });
  return decoder;
}

async function toWebP(picture: Sharp, size: number): Promise<Buffer> {
  const square = picture.autoOrient().resize(size, size, { fit: "cover" }).timeout({ seconds: 5 });
  for (const quality of QUALITIES) {
    const bytes = await square.clone().webp({ quality }).toBuffer();
    if (bytes.length <= MAX_IMAGE_BYTES) return bytes;
  }
  throw new Error("The image exceeds the size limit even at the lowest quality");
}

function asAppError(error: unknown): never {
  throw error instanceof OverloadedError ? new AppError("overloaded", { retry_after: 2, cause: error }) : error;
}
