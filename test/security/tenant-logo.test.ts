import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import sharp from "sharp";
import { bytesOf, form, MAX_UPLOAD_BYTES, picture, refusedFiles } from "../support/data/avatar-uploads.ts";
import { newTenant, type TestTenant, vendorOf } from "../support/data/tenants.ts";
import { eventually } from "../support/eventually.ts";
import { startUsermesh, type Usermesh } from "../support/start/usermesh.ts";

/** The most that is part of each mail. */
const MAX_LOGO_BYTES = 32_768;

let usermesh: Usermesh;
let vendor: string;
let tenant: TestTenant;
beforeAll(async () => {
  usermesh = await startUsermesh({ UPLOAD_MAX_BYTES: String(MAX_UPLOAD_BYTES) });
  vendor = await vendorOf(usermesh);
  tenant = await newTenant(usermesh, vendor);
});
afterAll(() => usermesh?.stop());

const path = () => `admin/tenants/${tenant.id}/logo`;
const upload = (raw: FormData, token = vendor, headers: Record<string, string> = {}) =>
  usermesh.api.request("POST", path(), { raw, token, headers });
const read = async () => (await usermesh.api.get(`admin/tenants/${tenant.id}`, vendor)).body.data;

/** The logo as its path serves it. */
async function served(hash: string) {
  const response = await fetch(`${usermesh.url}/brand/${tenant.slug}-${hash}.png`);
  return { response, bytes: Buffer.from(await response.arrayBuffer()) };
}

describe("a file that is refused as a tenant's logo leaves nothing behind", () => {
  test.each(refusedFiles)("%s", async (_, make, status, code) => {
    await usermesh.settled();
    const [before, counts] = [await read(), await usermesh.rowCounts()];
    const answer = await upload(await make());
    expect([answer.status, answer.body.errors?.[0]?.code ?? answer.body.code]).toEqual([status, code]);
    expect([await read(), await usermesh.rowCounts()]).toEqual([before, counts]);
  });
});

describe("the logo of a tenant", () => {
  test("has only the pixels of the file, and is served so that a browser takes it for nothing but an image", async () => {
    const secret = "52 deg 31 min 12 s N";
    const exif = { IFD0: { Copyright: secret, Artist: secret } };
    const image = await picture().withExif(exif).png().toBuffer();
    const html = Buffer.from("<!doctype html><script>alert(1)</script>");
    const file = new Uint8Array(Buffer.concat([image, html]));
    expect(Buffer.from(file).includes(secret)).toBe(true);
    const { status, body } = await upload(form(file, "../../etc/passwd.html", "text/html"));
    expect(status).toBe(200);
    const { response, bytes } = await served(body.data.logo);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "image/png",
      "x-content-type-options": "nosniff",
      "content-security-policy": "sandbox; default-src 'none'",
    });
    expect(await sharp(bytes).metadata()).toMatchObject({ format: "png", width: 256, height: 256 });
    expect([bytes.includes(secret), bytes.includes("<script>"), bytes.includes("eXIf")]).toEqual([false, false, false]);
  });

  test("is served at once after a change, although the former brand is cached", async () => {
    const pageOf = async () => (await fetch(`${usermesh.url}/login?tenant=${tenant.slug}`)).text();
    await pageOf();
    const { body } = await upload(form(await bytesOf(picture(30, 30).negate().png())));
    expect((await served(body.data.logo)).response.status).toBe(200);
    expect((await served("0123456789abcdef")).response.status).toBe(404);
  });

  test("shows the whole of a wide picture, on a transparent square", async () => {
    const { body } = await upload(form(await bytesOf(picture(400, 100).png())));
    const { data, info } = await sharp((await served(body.data.logo)).bytes)
      .ensureAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    const pixel = (x: number, y: number) => [...data.subarray((y * info.width + x) * 4, (y * info.width + x) * 4 + 4)];
    expect([pixel(1, 128), pixel(254, 128)]).toEqual([
      [200, 30, 30, 255],
      [200, 30, 30, 255],
    ]);
    expect([pixel(128, 10)[3], pixel(128, 245)[3]]).toEqual([0, 0]);
  });

  test("fits into mails, even if it is noise", async () => {
    const noise = sharp(randomBytes(500 * 500 * 3), { raw: { width: 500, height: 500, channels: 3 } });
    const { body } = await upload(form(await bytesOf(noise.jpeg())));
    expect((await served(body.data.logo)).bytes.length).toBeLessThanOrEqual(MAX_LOGO_BYTES);
  });

  test("is changed only by those who may change tenants, and only from the version that they have seen", async () => {
    const picked = async () => form(await bytesOf(picture(20, 20).png()));
    expect((await upload(await picked(), tenant.admin.access)).status).toBe(403);
    const { updated_at } = await read();
    const renamed = await usermesh.api.patch(`admin/tenants/${tenant.id}`, { name: "Renamed" }, vendor);
    expect(renamed.status).toBe(200);
    const before = await read();
    const outdated = await upload(await picked(), vendor, { "if-match": `"${updated_at}"` });
    expect(outdated).toBeProblem(412, "precondition_failed");
    expect((await read()).logo).toBe(before.logo);
    const current = await upload(await picked(), vendor, { "if-match": `"${before.updated_at}"` });
    expect([current.status, current.body.data.logo === before.logo]).toEqual([200, false]);
  });

  test("is in the activity log with the administrator who changed it", async () => {
    const { status, headers } = await upload(form(await bytesOf(picture(24, 12).png())));
    expect(status).toBe(200);
    const correlation = headers.get("x-correlation-id");
    const entry = await eventually("the entry", async () => {
      const query = "admin/activity?action=tenant.updated&limit=20";
      const { body } = await usermesh.api.request("GET", query, { token: tenant.admin.access });
      return body.data.find((one: { correlation_id: string }) => one.correlation_id === correlation);
    });
    expect(entry.details.updated_fields).toEqual(["logo"]);
    expect(entry.actor_id).not.toBeNull();
  });
});
