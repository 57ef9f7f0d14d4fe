import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { bomb, bytesOf, form, newUploader, picture } from "../support/data/avatar-uploads.ts";
import { startUsermesh, type Usermesh } from "../support/start/usermesh.ts";

const MAX_BYTES = 1_048_576;
const folder = join(tmpdir(), `usermesh-refused-avatars-${process.pid}`);

let usermesh: Usermesh;
beforeAll(async () => {
  usermesh = await startUsermesh({ UPLOAD_DIR: folder, UPLOAD_MAX_BYTES: String(MAX_BYTES) });
});
afterAll(async () => {
  await usermesh.stop();
  await rm(folder, { recursive: true, force: true });
});

const uploader = () => newUploader(usermesh, folder);

describe("a refused upload leaves nothing behind", () => {
  const svg = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>';
  const html = "<!doctype html><script>alert(1)</script>";
  const text = (content: string) => new Uint8Array(Buffer.from(content));

  const bad: ReadonlyArray<readonly [string, () => Promise<FormData>, number, string]> = [
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
          Buffer.concat([
            (await picture(8, 8).png().toBuffer()).subarray(0, 40),
            text(html),
          ]) as Uint8Array<ArrayBuffer>,
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
    ["more than UPLOAD_MAX_BYTES", async () => form(new Uint8Array(MAX_BYTES + 1)), 413, "payload_too_large"],
    ["much more than UPLOAD_MAX_BYTES", async () => form(new Uint8Array(3 * MAX_BYTES)), 413, "payload_too_large"],
  ];

  test.each(bad)("%s", async (_, make, status, code) => {
    const { upload, avatar, stored } = await uploader();
    // Events of earlier tests may still be arriving.
    await usermesh.settled();
    const before = await usermesh.rowCounts();
    const answer = await upload(await make());
    expect([answer.status, answer.body.errors?.[0]?.code ?? answer.body.code]).toEqual([status, code]);
    expect(await usermesh.rowCounts()).toEqual(before);
    expect([await avatar(), await stored()]).toEqual([null, []]);
  });

  test.each([
    ["JSON", '{"file":"x"}', "application/json", 415],
    ["no boundary", "x", "multipart/form-data;", 400],
    [
      "an incomplete body",
      '--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nxx',
      "multipart/form-data; boundary=b",
      400,
    ],
    ["something that is not multipart", "hello", "multipart/form-data; boundary=b", 400],
  ] as const)("%s", async (_, raw, type, status) => {
    const { upload, stored } = await uploader();
    expect((await upload(raw, { "content-type": type })).status).toBe(status);
    expect(await stored()).toEqual([]);
  });

  test("without a token is refused before its body is read", async () => {
    const { status } = await usermesh.api.request("POST", "users/me/avatar", { raw: form(new Uint8Array(1_000)) });
    expect(status).toBe(401);
  });
});
