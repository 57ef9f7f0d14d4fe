import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { form, MAX_UPLOAD_BYTES, newUploader, refusedFiles } from "../support/data/avatar-uploads.ts";
import { eventually } from "../support/eventually.ts";
import { startUsermesh, type Usermesh } from "../support/start/usermesh.ts";

const folder = join(tmpdir(), `usermesh-refused-avatars-${process.pid}`);

let usermesh: Usermesh;
beforeAll(async () => {
  usermesh = await startUsermesh({ UPLOAD_DIR: folder, UPLOAD_MAX_BYTES: String(MAX_UPLOAD_BYTES) });
});
afterAll(async () => {
  await usermesh.stop();
  await rm(folder, { recursive: true, force: true });
});

let uploaders = 0;
/** After the mail of the sign-up, which would otherwise be recorded between two counts of rows. */
async function uploader() {
  uploaders += 1;
  const made = await newUploader(usermesh, folder);
  await eventually("the mail of the sign-up", () => usermesh.mails().length >= uploaders);
  return made;
}

describe("a refused upload leaves nothing behind", () => {
  test.each(refusedFiles)("%s", async (_, make, status, code) => {
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
