import { readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { bytesOf, form, newUploader, picture, wholeImagePng } from "../support/data/avatar-uploads.ts";
import { startUsermesh, type Usermesh } from "../support/start/usermesh.ts";

/** Small files that take hundreds of megabytes to decode, because their format needs the whole picture at once. */
let usermesh: Usermesh;
const folder = join(tmpdir(), `usermesh-avatar-memory-${process.pid}`);
let interlaced: Uint8Array<ArrayBuffer>;
let smallerInterlaced: Uint8Array<ArrayBuffer>;
let progressive: Uint8Array<ArrayBuffer>;
beforeAll(async () => {
  // Before the start, because it takes this process longer than a lease lasts.
  interlaced = wholeImagePng(7_000, 7_000);
  smallerInterlaced = wholeImagePng(4_000, 4_000);
  progressive = await bytesOf(picture(7_000, 7_000).jpeg({ progressive: true, chromaSubsampling: "4:4:4" }));
  usermesh = await startUsermesh({ UPLOAD_DIR: folder, REQUEST_TIMEOUT_MS: "120000" });
});
afterAll(() => usermesh.stop());

const uploader = () => newUploader(usermesh, folder);

/** The most memory that a process of ours has had, in bytes. */
const peakOf = (pid: number) => Number(/VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1_024;

describe("one small picture does not take a gateway over its memory limit", () => {
  test.each([
    ["an interlaced PNG with 16 bits per channel", () => interlaced],
    ["a progressive JPEG without chroma subsampling", () => progressive],
  ])("%s is refused, and the next upload succeeds", async (_what, bytes) => {
    const { upload, avatar } = await uploader();
    // proc(5): resets the peak to what is resident now.
    writeFileSync("/proc/self/clear_refs", "5");
    const before = peakOf(process.pid);
    const answer = await upload(form(bytes()));
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ code: "too_complex" }] } });
    // Decoded in this process, either of them took 300 MB and more.
    expect(peakOf(process.pid) - before).toBeLessThan(100 * 1_048_576);
    expect(await avatar()).toBeNull();
    const next = await upload(form(await bytesOf(picture(4_000, 3_000).jpeg())));
    expect(next.status).toBe(200);
  });
});

test("no user can occupy all slots of uploads", async () => {
  const [greedy, other] = [await uploader(), await uploader()];
  const ofOther = form(await bytesOf(picture(64, 64).png()));
  let answered = 0;
  const first = Array.from({ length: 8 }, () => greedy.upload(form(smallerInterlaced)).finally(() => (answered += 1)));
  const small = await other.upload(ofOther);
  expect([small.status, answered < 8]).toEqual([200, true]);
  expect((await Promise.all(first)).map(({ status }) => status)).toEqual(Array(8).fill(422));
});
