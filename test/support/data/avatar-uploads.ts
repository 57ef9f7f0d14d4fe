import { readdir } from "node:fs/promises";
import { crc32, deflateSync } from "node:zlib";
import sharp, { type Sharp } from "sharp";
import type { Answer } from "../clients/api-client.ts";
import { register, signIn } from "../flows/main-flow.ts";
import type { Usermesh } from "../start/usermesh.ts";

/** A user without an avatar, and what is stored since they registered. */
export interface Uploader {
  upload(raw: Raw, headers?: Record<string, string>): Promise<Answer>;
  remove(): Promise<Answer>;
  avatar(): Promise<string | null>;
  /** Files in the folder that were not there before. */
  stored(): Promise<string[]>;
}

type Raw = FormData | string | Uint8Array<ArrayBuffer>;

export async function newUploader(usermesh: Usermesh, folder: string): Promise<Uploader> {
  const { access } = await signIn(usermesh, await register(usermesh));
  const names = () => readdir(folder).catch(() => []);
  const before = new Set(await names());
  return {
    upload: (raw, headers = {}) => usermesh.api.request("POST", "users/me/avatar", { raw, headers, token: access }),
    remove: () => usermesh.api.delete("users/me/avatar", access),
    avatar: async () => (await usermesh.api.get("users/me", access)).body.data.avatar_url,
    stored: async () => (await names()).filter((name) => !before.has(name)),
  };
}

export const picture = (width = 640, height = 480): Sharp =>
  sharp({ create: { width, height, channels: 3, background: { r: 200, g: 30, b: 30 } } });

export const bytesOf = async (image: Sharp) => new Uint8Array(await image.toBuffer());

export function form(bytes: Uint8Array<ArrayBuffer>, name = "me.png", type = "image/png", field = "file"): FormData {
  const data = new FormData();
  data.append(field, new Blob([bytes], { type }), name);
  return data;
}

/** A PNG of one colour: some kilobytes that want 900 megapixels. */
export function bomb(width: number, height: number): Uint8Array<ArrayBuffer> {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([1, 0, 0, 0, 0], 8);
  const rows = deflateSync(Buffer.alloc((Math.ceil(width / 8) + 1) * 200), { level: 9 });
  const parts = [chunk("IHDR", head), chunk("IDAT", rows), chunk("IEND", Buffer.alloc(0))];
  return new Uint8Array(Buffer.concat([Buffer.from("89504e470d0a1a0a", "hex"), ...parts]));
}

/** A black PNG with 16 bits per channel that is interlaced, so that a decoder needs all of its pixels at once. */
export function wholeImagePng(width: number, height: number): Uint8Array<ArrayBuffer> {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([16, 6, 0, 0, 1], 8);
  // First column and row, and distance of columns and rows, of the seven passes of Adam7.
  const passes = [
    [0, 0, 8, 8],
    [4, 0, 8, 8],
    [0, 4, 4, 8],
    [2, 0, 4, 4],
    [0, 2, 2, 4],
    [1, 0, 2, 2],
    [0, 1, 1, 2],
  ] as const;
  const size = passes.reduce(
    (sum, [x, y, dx, dy]) => sum + Math.ceil((height - y) / dy) * (1 + 8 * Math.ceil((width - x) / dx)),
    0,
  );
  const rows = deflateSync(Buffer.alloc(size), { level: 1 });
  const parts = [chunk("IHDR", head), chunk("IDAT", rows), chunk("IEND", Buffer.alloc(0))];
  return new Uint8Array(Buffer.concat([Buffer.from("89504e470d0a1a0a", "hex"), ...parts]));
}

function chunk(type: string, data: Buffer): Buffer {
  const typed = Buffer.concat([Buffer.from(type), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(typed));
  return Buffer.concat([length, typed, sum]);
}

export const MAX_UPLOAD_BYTES = 1_048_576;
const svg = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>';
const html = "<!doctype html><script>alert(1)</script>";
const text = (content: string) => new Uint8Array(Buffer.from(content));

/** Files that every upload of a picture refuses, with the status and the code. */
export const refusedFiles: ReadonlyArray<readonly [string, () => Promise<FormData>, number, string]> = [
  ["SVG", async () => form(text(svg), "a.svg", "image/svg+xml"), 422, "unsupported_format"],
  [
    "SVG after an XML declaration, named .png",
    async () => form(text(`<?xml version="1.0"?>${svg}`)),
    422,
    "unsupported_format",
  ],
  ["HTML named .png", async () => form(text(html)), 422, "unsupported_format"],
  ["a TIFF", async () => form(await bytesOf(picture(8, 8).tiff())), 422, "unsupported_format"],
  ["a PDF", async () => form(text("%PDF-1.7\n")), 422, "unsupported_format"],
  [
    "HTML after a PNG signature",
    async () =>
      form(
        Buffer.concat([(await picture(8, 8).png().toBuffer()).subarray(0, 40), text(html)]) as Uint8Array<ArrayBuffer>,
      ),
    422,
    "not_an_image",
  ],
  [
    "half a JPEG",
    async () => form((await bytesOf(picture().jpeg())).subarray(0, 900) as Uint8Array<ArrayBuffer>),
    422,
    "not_an_image",
  ],
  ["an empty file", async () => form(new Uint8Array()), 422, "unsupported_format"],
  ["a decompression bomb", async () => form(bomb(30_000, 30_000)), 422, "too_many_pixels"],
  [
    "a part with another name",
    async () => form(await bytesOf(picture(8, 8).png()), "a.png", "image/png", "avatar"),
    422,
    "unknown_field",
  ],
  [
    "text instead of a file",
    async () => {
      const data = new FormData();
      data.append("file", "not a file");
      return data;
    },
    422,
    "invalid_type",
  ],
  [
    "two files",
    async () => {
      const data = form(await bytesOf(picture(8, 8).png()));
      data.append("file", new Blob([await bytesOf(picture(9, 9).png())]), "b.png");
      return data;
    },
    422,
    "too_many_files",
  ],
  [
    "an additional privileged field",
    async () => {
      const data = form(await bytesOf(picture(8, 8).png()));
      data.append("user_id", "0198f7a2-6a3c-7cc1-a2f4-3b1c9d0e5f60");
      return data;
    },
    422,
    "unknown_field",
  ],
  ["no part at all", async () => new FormData(), 422, "required"],
  ["more than UPLOAD_MAX_BYTES", async () => form(new Uint8Array(MAX_UPLOAD_BYTES + 1)), 413, "payload_too_large"],
  ["much more than UPLOAD_MAX_BYTES", async () => form(new Uint8Array(3 * MAX_UPLOAD_BYTES)), 413, "payload_too_large"],
];
