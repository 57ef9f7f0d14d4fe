import { constants, setPriority } from "node:os";
import sharp, { type Sharp } from "sharp";
import { type DecodedImages, type DecodeReply, type DecodeRequest, TOO_COMPLEX_EXIT_CODE } from "./decode-reply.ts";

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
/** The contract's limit for logos, which are part of each mail. The last form always fits: it has a byte per pixel. */
const MAX_LOGO_BYTES = 32_768;
const LOGO_FORMS = [
  { pixels: 256, palette: false },
  { pixels: 256, palette: true },
  { pixels: 128, palette: true },
];
const TRANSPARENT = { r: 0, g: 0, b: 0, alpha: 0 };
/** libvips's readers of the supported formats; all others are blocked. */
const LOADERS = ["VipsForeignLoadJpeg", "VipsForeignLoadPng", "VipsForeignLoadNsgif", "VipsForeignLoadWebp"];

// Requests come first.
setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
sharp.cache(false);
sharp.concurrency(1);
sharp.block({ operation: ["VipsForeignLoad"] });
sharp.unblock({ operation: LOADERS });

process.on("message", (request: DecodeRequest) => {
  const stopChecking = checkLimits();
  void reencode(request).then((reply) => {
    stopChecking();
    process.send?.(reply);
  });
});
// The process that started it is gone.
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

async function reencode({ bytes, purpose }: DecodeRequest): Promise<DecodeReply> {
  try {
    const limits = { limitInputPixels: MAX_PIXELS, pages: 1, failOn: "error", sequentialRead: true } as const;
    const picture = sharp(bytes, limits).autoOrient();
    return await (purpose === "logo" ? toLogo(picture) : toAvatar(picture));
  } catch (error) {
    return { problem: /pixel limit/.test((error as Error).message) ? "too_many_pixels" : "not_an_image" };
  }
}

/** The picture is decoded once: what follows works on its pixels. */
async function toPixels(picture: Sharp): Promise<() => Sharp> {
  const { data, info } = await picture.raw().toBuffer({ resolveWithObject: true });
  return () => sharp(data, { raw: info });
}

async function toAvatar(picture: Sharp): Promise<DecodedImages["avatar"]> {
  const square = await toPixels(picture.resize(FULL_PIXELS, FULL_PIXELS, { fit: "cover" }));
  const image = await toWebP(square());
  const thumbnail = await toWebP(square().resize(THUMBNAIL_PIXELS, THUMBNAIL_PIXELS));
  return { image: image.toString("base64"), thumbnail: thumbnail.toString("base64") };
}

async function toLogo(picture: Sharp): Promise<DecodedImages["logo"]> {
  const { pixels: side = 0 } = LOGO_FORMS[0] ?? {};
  const fitted = picture.ensureAlpha().resize(side, side, { fit: "contain", background: TRANSPARENT });
  const square = await toPixels(fitted);
  for (const { pixels, palette } of LOGO_FORMS) {
    const bytes = await square().resize(pixels, pixels).png({ palette, compressionLevel: 9 }).toBuffer();
    if (bytes.length <= MAX_LOGO_BYTES) return { logo: bytes.toString("base64") };
  }
  throw new Error("The logo exceeds the size limit even in its smallest form");
}

async function toWebP(picture: Sharp): Promise<Buffer> {
  for (const quality of QUALITIES) {
    const bytes = await picture.clone().webp({ quality }).toBuffer();
    if (bytes.length <= MAX_IMAGE_BYTES) return bytes;
  }
  throw new Error("The image exceeds the size limit even at the lowest quality");
}
