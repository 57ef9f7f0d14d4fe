import type { ServiceSchema } from "moleculer";
import type { DecodedImages } from "../lib/images/decode-reply.ts";
import { createImageDecoder } from "../lib/images/image-decoder.ts";
import { isInFormat } from "../lib/images/image-format.ts";
import { createPictureFetcher, type PictureFailure } from "../lib/outbound/fetch-picture.ts";
import { DeadLetter, type Job, type Platform } from "../lib/runtime/platform.ts";
import { worker } from "../mixins/worker.mixin.ts";
import { PictureJob } from "../services/auth/contract/pictures.contract.ts";

/** Each picture is held in memory, up to UPLOAD_MAX_BYTES. */
const CONCURRENCY = 4;
/** Includes the wait in the decoder's queue. */
const DECODE_LIMIT_MS = 30_000;

/**
 * Fetches the pictures of accounts that were created through a provider. People outside the installation choose which URL is
 * requested and which file is decoded, so this runs in a process without keys and without database access.
 */
export default function picturesWorker(platform: Platform): ServiceSchema {
  const { config, log } = platform;
  const { maxBytes, avatarFormats } = config.uploads;
  const fetchPicture = createPictureFetcher({ maxBytes, allowPrivateAddresses: config.oauth.pictures === "any" });
  const decoder = createImageDecoder({ queue: CONCURRENCY });
  const stopping = new AbortController();

  async function obtain(url: string): Promise<DecodedImages["avatar"] | PictureFailure> {
    const bytes = await fetchPicture(url);
    if (!Buffer.isBuffer(bytes)) return bytes;
    if (!(await isInFormat(bytes, avatarFormats))) return { problem: "unsupported_format", isTemporary: false };
    const signal = AbortSignal.any([AbortSignal.timeout(DECODE_LIMIT_MS), stopping.signal]);
    const decoded = await decoder
      .decode(bytes, "avatar", signal)
      .catch(() => ({ problem: "decoding_interrupted", isTemporary: true }));
    return "problem" in decoded ? { isTemporary: false, ...decoded } : decoded;
  }

  const schema = worker(platform, {
    name: "pictures",
    queue: "pictures",
    concurrency: CONCURRENCY,
    correlationOf: (job) => parseJob(job).correlation_id,
    async run(job, call) {
      const { user_id } = parseJob(job);
      const { url } = await call("auth.pendingPicture", { user_id });
      if (url === null) return;
      const picture = await obtain(url);
      if ("problem" in picture) {
        if (picture.isTemporary && !job.isLastAttempt) throw new Error(picture.problem);
        log.info({ user_id, reason: picture.problem }, "the provider's picture was given up");
      } else await call("users.adoptAvatar", { id: job.id, user_id, ...picture });
      await call("auth.settlePicture", { user_id });
    },
  });
  // This runs after the worker's own `stopped`, which waits for its jobs. A job that still runs is interrupted here and retried later.
  const stopped = async () => {
    stopping.abort();
    decoder.close();
  };
  return { ...schema, mixins: [{ stopped }] };
}

function parseJob({ data }: Job): PictureJob {
  const job = PictureJob.safeParse(data);
  if (!job.success) throw new DeadLetter("Not a picture job");
  return job.data;
}
