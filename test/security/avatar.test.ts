import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import sharp from "sharp";
import { bytesOf, form, newUploader, picture } from "../support/data/avatar-uploads.ts";
import { startUsermesh, type Usermesh } from "../support/start/usermesh.ts";

const MAX_BYTES = 1_048_576;
const folder = join(tmpdir(), `usermesh-avatars-${process.pid}`);

const warnings: string[] = [];
const onWarning = ({ name }: Error) => void warnings.push(name);

let usermesh: Usermesh;
beforeAll(async () => {
  process.on("warning", onWarning);
  usermesh = await startUsermesh({ UPLOAD_DIR: folder, UPLOAD_MAX_BYTES: String(MAX_BYTES) });
});
afterAll(async () => {
  process.off("warning", onWarning);
  await usermesh.stop();
  await rm(folder, { recursive: true, force: true });
});

const uploader = () => newUploader(usermesh, folder);
const pathOf = (url: string) => new URL(url).pathname;
const fetched = async (url: string) => {
  const response = await fetch(usermesh.url + pathOf(url));
  return { response, bytes: Buffer.from(await response.arrayBuffer()) };
};

describe("an avatar", () => {
  test("is re-encoded in two sizes, without the file's metadata, and served as WebP", async () => {
    const secret = "52 deg 31 min 12 s N";
    const source = await bytesOf(
      picture()
        .withExif({ IFD0: { Copyright: secret, Artist: secret } })
        .jpeg(),
    );
    expect(Buffer.from(source).includes(secret)).toBe(true);
    const { upload, avatar } = await uploader();
    const { status, body } = await upload(form(source, "../../etc/passwd.html", "text/html"));
    expect(status).toBe(200);
    expect(await avatar()).toBe(body.data.avatar_url);
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

  test.each(["jpeg", "png", "gif", "webp"] as const)("can be a %s, whatever its file name", async (format) => {
    const { upload } = await uploader();
    expect(
      (await upload(form(await bytesOf(picture(32, 32).toFormat(format)), "notes.txt", "text/plain"))).status,
    ).toBe(200);
  });

  test("replaces the previous one, whose images are deleted, and can be deleted itself", async () => {
    const { upload, avatar, remove, stored } = await uploader();
    const first = (await upload(form(await bytesOf(picture().png())))).body.data.avatar_url;
    const second = (await upload(form(await bytesOf(picture(300, 300).png())))).body.data.avatar_url;
    expect(second).not.toBe(first);
    expect((await fetched(first)).response.status).toBe(404);
    expect(await stored()).toHaveLength(2);
    expect((await remove()).status).toBe(200);
    expect([await avatar(), (await fetched(second)).response.status, await stored()]).toEqual([null, 404, []]);
    const key = pathOf(second).slice("/avatars/".length, -".webp".length);
    expect(await usermesh.database.query("SELECT key FROM users.avatars WHERE key = $1", [key])).toEqual([]);
  });

  test("sent twice with one idempotency key is stored once; a different image with that key is refused", async () => {
    const { upload, stored } = await uploader();
    const bytes = await bytesOf(picture().png());
    const headers = { "idempotency-key": "avatar-1" };
    const [one, other] = [await upload(form(bytes), headers), await upload(form(bytes), headers)];
    expect([other.body.data.avatar_url, other.headers.get("idempotency-replayed")]).toEqual([
      one.body.data.avatar_url,
      "true",
    ]);
    expect(await stored()).toHaveLength(2);
    const third = await upload(form(await bytesOf(picture().negate().png())), headers);
    expect(third).toBeProblem(422, "idempotency_key_reused");
  });

  test("uploaded 8 times at once is stored once, without leftovers", async () => {
    const { upload, avatar, stored } = await uploader();
    const bytes = await bytesOf(picture(64, 64).png());
    const all = await Promise.all(Array.from({ length: 8 }, () => upload(form(bytes))));
    expect(all.filter((one) => one.status !== 200 && one.status !== 503)).toEqual([]);
    expect(all.map((one) => one.body.data?.avatar_url)).toContain(await avatar());
    expect(await stored()).toHaveLength(2);
  });
});

describe("an avatar URL", () => {
  test.each([
    "/avatars/..%2f..%2fetc%2fpasswd",
    "/avatars/../package.json",
    `/avatars/${"0".repeat(32)}.webp`,
    "/avatars/x.webp",
    `/avatars/${"0".repeat(32)}.svg`,
  ])("%s is 404", async (path) => {
    expect((await fetch(usermesh.url + path)).status).toBeGreaterThanOrEqual(400);
  });
});

// Node.js warns at the eleventh listener, once for each connection.
test("uploads leave no listeners on their connection, which may serve many of them", async () => {
  const { upload } = await uploader();
  const image = await bytesOf(picture(32, 32).png());
  for (let n = 0; n < 12; n += 1) expect((await upload(form(image))).status).toBe(200);
  expect(warnings).not.toContain("MaxListenersExceededWarning");
});
