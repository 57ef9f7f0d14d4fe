import type { IncomingMessage } from "node:http";
import { AppError, fieldError } from "../../../lib/actions/errors.ts";
import type { Config } from "../../../lib/config/config.ts";
import type { DecodedImages, ImagePurpose } from "../../../lib/images/decode-reply.ts";
import { createImageDecoder } from "../../../lib/images/image-decoder.ts";
import { imageFormats, isInFormat } from "../../../lib/images/image-format.ts";
import { type Bulkhead, createBulkhead, OverloadedError } from "../../../lib/runtime/bulkhead.ts";
import { readFilePart } from "../http/multipart.ts";

export interface ImageUploads {
  /** Rejects with 503 `overloaded`, or 413, 415 or 422 for the file. */
  read<P extends ImagePurpose>(request: IncomingMessage, userId: string, purpose: P): Promise<DecodedImages[P]>;
  close(): void;
}

/** Each upload is held in memory, up to UPLOAD_MAX_BYTES. */
const UPLOADS = { concurrency: 8, queue: 0 };
/** Of one user, so that no user can occupy all slots. The others wait, and are not read yet. */
const UPLOADS_OF_USER = { concurrency: 2, queue: 8 };
const problems = {
  too_many_pixels: "must have at most 50 million pixels",
  not_an_image: "is not a readable image",
  too_complex: "takes too much memory or time to decode; save it without interlacing, or smaller",
} as const;

/**
 * Re-encodes an upload, so that only its pixels remain and everything else in the file, from a location to a
 * script, is dropped. The format is detected from the content, not from the file name or the declared type.
 */
export function createImageUploads(
  { maxBytes, avatarFormats }: Config["uploads"],
  { requestTimeoutMs }: Pick<Config["http"], "requestTimeoutMs">,
): ImageUploads {
  const uploading = createBulkhead(UPLOADS);
  const decoder = createImageDecoder({ queue: UPLOADS.concurrency });
  const users = new Map<string, { readonly inTurn: Bulkhead; uploads: number }>();

  return {
    async read(request, userId, purpose) {
      const user = users.get(userId) ?? { inTurn: createBulkhead(UPLOADS_OF_USER), uploads: 0 };
      users.set(userId, user);
      user.uploads += 1;
      try {
        return await user.inTurn(() => uploading(() => readAndDecode(request, purpose)));
      } catch (error) {
        throw toAppError(error);
      } finally {
        user.uploads -= 1;
        if (user.uploads === 0) users.delete(userId);
      }
    },
    close: decoder.close,
  };

  async function readAndDecode<P extends ImagePurpose>(request: IncomingMessage, purpose: P) {
    const bytes = await readFilePart(request, maxBytes);
    await assertSupportedFormat(bytes, purpose === "avatar" ? avatarFormats : imageFormats);
    const decode = (signal: AbortSignal) => decoder.decode(bytes, purpose, signal);
    const result = await whileConnected(request, requestTimeoutMs, decode);
    if ("problem" in result) throw fieldError("file", result.problem, problems[result.problem]);
    return result;
  }
}

/**
 * The signal is aborted when the client disconnects, or `timeoutMs` after the work began: by then the request has been
 * answered. A connection can serve many uploads, so nothing of one may stay on it.
 */
async function whileConnected<R>(
  { socket }: IncomingMessage,
  timeoutMs: number,
  work: (signal: AbortSignal) => Promise<R>,
): Promise<R> {
  const disconnected = new AbortController();
  const onClose = () => disconnected.abort(new AppError("bad_request"));
  if (socket.destroyed) onClose();
  socket.once("close", onClose);
  try {
    return await work(AbortSignal.any([disconnected.signal, AbortSignal.timeout(timeoutMs)]));
  } finally {
    socket.off("close", onClose);
  }
}

async function assertSupportedFormat(bytes: Buffer, formats: readonly string[]): Promise<void> {
  if (await isInFormat(bytes, formats)) return;
  throw fieldError("file", "unsupported_format", `must be an image in one of these formats: ${formats.join(", ")}`);
}

function toAppError(error: unknown): unknown {
  const isOverload = error instanceof OverloadedError || (error as Error).name === "TimeoutError";
  return isOverload ? new AppError("overloaded", { retry_after: 2, cause: error }) : error;
}
