import { constants, setPriority } from "node:os";
import sharp, { type Sharp } from "sharp";
import { type DecodeReply, TOO_COMPLEX_EXIT_CODE } from "./decode-reply.ts";

/**
 * The child process that decodes uploads, one after the other. A small file can be a picture that takes hundreds of
 * megabytes or many seconds to decode, so the process ends itself when it exceeds a limit. JavaScript is idle while libvips
 * works on its own thread, so the check is always in time. Started by image-decoder.ts.
 */
const MAX_RESIDENT_BYTES = 160 * 1_048_576;
/** CPU time: on a busy machine an ordinary picture takes long too. */
const MAX_CPU_MICROSECONDS = 5_000_000;
const CHECK_INTERVAL_MS = 10;
const FULL_PIXELS = 512;
const THUMBNAIL_PIXELS = 96;
/** The resolution of today's phone cameras. */
const MAX_PIXELS = 50_000_000;
/** Keeps both images in base64 below the bus's message limit. Only noise comes near it. */
const MAX_IMAGE_BYTES = 280_000;
const QUALITIES = [82, 60, 30, 1];
/** libvips's readers of the supported formats; all others are blocked. */
const LOADERS = ["VipsForeignLoadJpeg", "VipsForeignLoadPng", "VipsForeignLoadNsgif", "VipsForeignLoadWebp"];

// Requests come first.
setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
sharp.cache(false);
sharp.concurrency(1);
sharp.block({ operation: ["VipsForeignLoad"] });
sharp.unblock({ operation: LOADERS });

process.on("message", (bytes: Uint8Array) => {
  const stopChecking = checkLimits();
  void reencode(bytes).then((reply) => {
    stopChecking();
    process.send?.(reply);
  });
});
// The gateway is gone.
process.on("disconnect", () => process.exit());

function checkLimits(): () => void {
  const start = process.cpuUsage();
  const timer = setInterval(() => {
    const { user, system } = process.cpuUsage(start);
    if (user + system > MAX_CPU_MICROSECONDS || process.memoryUsage.rss() > MAX_RESIDENT_BYTES)
      process.exit(TOO_COMPLEX_EXIT_CODE);
  }, CHECK_INTERVAL_MS);
  return () => clearInterval(timer);
}

async function reencode(bytes: Uint8Array): Promise<DecodeReply> {
  try {
    const picture = sharp(bytes, { limitInputPixels: MAX_PIXELS, pages: 1, failOn: "error", sequentialRead: true });
    const resized = picture.autoOrient().resize(FULL_PIXELS, FULL_PIXELS, { fit: "cover" });
    const { data, info } = await resized.raw().toBuffer({ resolveWithObject: true });
    const square = () => sharp(data, { raw: info });
    const image = await toWebP(square());
    const thumbnail = await toWebP(square().resize(THUMBNAIL_PIXELS, THUMBNAIL_PIXELS));
    return { image: image.toString("base64"), thumbnail: thumbnail.toString("base64") };
  } catch (error) {
    return { problem: /pixel limit/.test((error as Error).message) ? "too_many_pixels" : "not_an_image" };
  }
}

async function toWebP(picture: Sharp): Promise<Buffer> {
  for (const quality of QUALITIES) {
    const bytes = await picture.clone().webp({ quality }).toBuffer();
    if (bytes.length <= MAX_IMAGE_BYTES) return bytes;
  }
  throw new Error("The image exceeds the size limit even at the lowest quality");
}
