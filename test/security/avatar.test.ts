import { readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32, deflateSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import sharp, { type Sharp } from "sharp";
import { newPerson, register, signIn } from "../support/main-flow.ts";
import { startUsermesh, type Usermesh } from "../support/usermesh.ts";

const MOST_BYTES = 1_048_576;
const folder = join(tmpdir(), `usermesh-avatars-${process.pid}`);

let usermesh: Usermesh;
let access: string;
beforeAll(async () => {
  usermesh = await startUsermesh({ UPLOAD_FOLDER: folder, MAX_CONTENT_LENGTH: String(MOST_BYTES) });
  access = (await signIn(usermesh, await register(usermesh, newPerson()))).access;
}, 120_000);
afterAll(async () => {
  await usermesh.stop();
  await rm(folder, { recursive: true, force: true });
});

const picture = (width = 640, height = 480) =>
  sharp({ create: { width, height, channels: 3, background: { r: 200, g: 30, b: 30 } } });
const bytesOf = async (image: Sharp) => new Uint8Array(await image.toBuffer());

function form(bytes: Uint8Array<ArrayBuffer>, name = "me.png", type = "image/png", field = "file"): FormData {
  const data = new FormData();
  data.append(field, new Blob([bytes], { type }), name);
  return data;
}

const upload = (
  raw: FormData | string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
  token = access,
) => usermesh.api.request("POST", "users/me/avatar", { raw, headers, token });
const avatarOf = async () => (await usermesh.api.get("users/me", access)).body.data.avatar_url;
const pathOf = (url: string) => new URL(url).pathname;
const fetched = async (url: string) => {
  const response = await fetch(usermesh.url + pathOf(url));
  return { response, bytes: Buffer.from(await response.arrayBuffer()) };
};
const stored = async () => (await readdir(folder).catch(() => [])).sort();

describe("an avatar", () => {
  test("is made anew in two sizes and served as what it is, with nothing of the file's metadata", async () => {
    const secret = "52 deg 31 min 12 s N";
    const source = await bytesOf(
      picture()
        .withExif({ IFD0: { Copyright: secret, Artist: secret } })
        .jpeg(),
    );
    expect(Buffer.from(source).includes(secret)).toBe(true);
    const { status, body } = await upload(form(source, "../../etc/passwd.html", "text/html"));
    expect(status).toBe(200);
    expect(await avatarOf()).toBe(body.data.avatar_url);
    for (const [url, size] of [
      [body.data.avatar_url, 512],
      [body.data.thumbnail_url, 96],
    ] as const) {
      const { response, bytes } = await fetched(url);
      expect(response.headers.get("content-type")).toBe("image/webp");
      expect(response.headers.get("x-content-type-options")).toBe("nosniff");
      expect(response.headers.get("cache-control")).toMatch(/max-age=\d+, immutable/);
      expect(await sharp(bytes).metadata()).toMatchObject({ format: "webp", width: size, height: size });
      expect([bytes.includes(secret), bytes.includes("EXIF")]).toEqual([false, false]);
    }
  });

  test.each(["jpeg", "png", "gif", "webp"] as const)("may be a %s, whatever its name says", async (format) => {
    expect(
      (await upload(form(await bytesOf(picture(32, 32).toFormat(format)), "notes.txt", "text/plain"))).status,
    ).toBe(200);
  });

  test("takes the place of the one before, whose bytes are gone, and DELETE takes it away", async () => {
    const first = (await upload(form(await bytesOf(picture().png())))).body.data.avatar_url;
    const second = (await upload(form(await bytesOf(picture(300, 300).png())))).body.data.avatar_url;
    expect(second).not.toBe(first);
    expect((await fetched(first)).response.status).toBe(404);
    expect(await stored()).toHaveLength(2);
    expect((await usermesh.api.delete("users/me/avatar", access)).status).toBe(200);
    expect([await avatarOf(), (await fetched(second)).response.status, await stored()]).toEqual([null, 404, []]);
    expect(await usermesh.database.query("SELECT key FROM users.avatars")).toEqual([]);
  });

  test("sent twice under one idempotency key is stored once; another picture under it is refused", async () => {
    const bytes = await bytesOf(picture().png());
    const headers = { "idempotency-key": "avatar-1" };
    const [one, other] = [await upload(form(bytes), headers), await upload(form(bytes), headers)];
    expect([other.body.data.avatar_url, other.headers.get("idempotency-replayed")]).toEqual([
      one.body.data.avatar_url,
      "true",
    ]);
    expect(await stored()).toHaveLength(2);
    const third = await upload(form(await bytesOf(picture().negate().png())), headers);
    expect([third.status, third.body.code]).toEqual([422, "idempotency_key_reused"]);
    await usermesh.api.delete("users/me/avatar", access);
  });

  test("of 8 at once is one, and nothing of the others is left", async () => {
    const bytes = await bytesOf(picture(64, 64).png());
    const all = await Promise.all(Array.from({ length: 8 }, () => upload(form(bytes))));
    expect(all.filter((one) => one.status !== 200 && one.status !== 503)).toEqual([]);
    expect(all.map((one) => one.body.data?.avatar_url)).toContain(await avatarOf());
    expect(await stored()).toHaveLength(2);
    await usermesh.api.delete("users/me/avatar", access);
  });
});

describe("an upload that is refused leaves nothing behind", () => {
  const svg = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>';
  const html = "<!doctype html><script>alert(1)</script>";
  const text = (content: string) => new Uint8Array(Buffer.from(content));

  const bad: ReadonlyArray<readonly [string, () => Promise<FormData>, number, string]> = [
    ["SVG", async () => form(text(svg), "a.svg", "image/svg+xml"), 422, "unsupported_format"],
    [
      "SVG behind an XML head, called a PNG",
      async () => form(text(`<?xml version="1.0"?>${svg}`)),
      422,
      "unsupported_format",
    ],
    ["HTML called a PNG", async () => form(text(html)), 422, "unsupported_format"],
    ["a TIFF", async () => form(await bytesOf(picture(8, 8).tiff())), 422, "unsupported_format"],
    ["a PDF", async () => form(text("%PDF-1.7\n")), 422, "unsupported_format"],
    [
      "a PNG's first bytes and then HTML",
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
    ["nothing", async () => form(new Uint8Array()), 422, "unsupported_format"],
    ["a pixel bomb", async () => form(bomb(30_000, 30_000)), 422, "too_many_pixels"],
    [
      "a part of another name",
      async () => form(await bytesOf(picture(8, 8).png()), "a.png", "image/png", "avatar"),
      422,
      "unknown_field",
    ],
    [
      "text in the place of the file",
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
      "a privileged field beside it",
      async () => {
        const data = form(await bytesOf(picture(8, 8).png()));
        data.append("user_id", "0198f7a2-6a3c-7cc1-a2f4-3b1c9d0e5f60");
        return data;
      },
      422,
      "unknown_field",
    ],
    ["no part at all", async () => new FormData(), 422, "required"],
    ["more than MAX_CONTENT_LENGTH", async () => form(new Uint8Array(MOST_BYTES + 1)), 413, "payload_too_large"],
    ["much more", async () => form(new Uint8Array(3 * MOST_BYTES)), 413, "payload_too_large"],
  ];

  test.each(bad)("%s", async (_, make, status, code) => {
    const before = await usermesh.rowCounts();
    const answer = await upload(await make());
    expect([answer.status, answer.body.errors?.[0]?.code ?? answer.body.code]).toEqual([status, code]);
    expect(await usermesh.rowCounts()).toEqual(before);
    expect([await avatarOf(), await stored()]).toEqual([null, []]);
  });

  test.each([
    ["JSON", '{"file":"x"}', "application/json", 415],
    ["no boundary", "x", "multipart/form-data;", 400],
    [
      "a body that breaks off",
      '--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nxx',
      "multipart/form-data; boundary=b",
      400,
    ],
    ["no multipart at all", "hello", "multipart/form-data; boundary=b", 400],
  ] as const)("%s", async (_, raw, type, status) => {
    expect((await upload(raw, { "content-type": type })).status).toBe(status);
    expect(await stored()).toEqual([]);
  });

  test("a stranger's, before its body is read", async () => {
    const { status } = await usermesh.api.request("POST", "users/me/avatar", { raw: form(new Uint8Array(1_000)) });
    expect(status).toBe(401);
  });
});

describe("the address of an avatar", () => {
  test.each([
    "/avatars/..%2f..%2fetc%2fpasswd",
    "/avatars/../package.json",
    `/avatars/${"0".repeat(32)}.webp`,
    "/avatars/x.webp",
    `/avatars/${"0".repeat(32)}.svg`,
  ])("%s leads nowhere", async (path) => {
    expect((await fetch(usermesh.url + path)).status).toBeGreaterThanOrEqual(400);
  });
});

/** A PNG of one colour: some kilobytes that want 900 megapixels. */
function bomb(width: number, height: number): Uint8Array<ArrayBuffer> {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([1, 0, 0, 0, 0], 8);
  const rows = deflateSync(Buffer.alloc((Math.ceil(width / 8) + 1) * 200), { level: 9 });
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
