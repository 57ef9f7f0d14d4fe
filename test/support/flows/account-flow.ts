import { beforeAll, expect, test } from "@jest/globals";
import sharp from "sharp";
import type { ApiClient } from "../clients/api-client.ts";
import { linkToken, mailTo, newPerson, type Person, type Running, register, signIn } from "./main-flow.ts";

interface Flowing extends Running {
  readonly gateways: readonly ApiClient[];
}

/** What users do with their account besides the main flow; every step is read back from every gateway. */
export function describeAccountFlow(running: () => Flowing): void {
  let person: Person & { readonly id: string };
  let access = "";
  beforeAll(async () => {
    person = await register(running());
    access = (await signIn(running(), person)).access;
  });
  const api = () => running().api;
  const everywhere = (path: string) => Promise.all(running().gateways.map((one) => one.get(path, access)));

  test("an avatar is uploaded, seen by anybody at every gateway, and removed", async () => {
    const raw = new FormData();
    raw.append("file", new Blob([await picture()], { type: "image/png" }), "me.png");
    const set = await api().request("POST", "users/me/avatar", { raw, token: access });
    expect(set.status).toBe(200);
    const { pathname } = new URL(set.body.data.avatar_url);
    for (const gateway of running().gateways) {
      const image = await fetch(gateway.url + pathname);
      expect([image.status, image.headers.get("content-type")]).toEqual([200, "image/webp"]);
    }
    for (const { body } of await everywhere("users/me")) expect(body.data.avatar_url).toBe(set.body.data.avatar_url);
    expect((await api().delete("users/me/avatar", access)).status).toBe(200);
    for (const { body } of await everywhere("users/me")) expect(body.data.avatar_url).toBeNull();
    for (const gateway of running().gateways) expect((await fetch(gateway.url + pathname)).status).toBe(404);
  });

  test("a new address waits for its link, the old one is told, and then signs in nobody", async () => {
    const { email } = newPerson("renamed");
    const asked = await api().patch("users/me", { email, current_password: person.password }, access);
    expect([asked.status, asked.body.data.email, asked.body.data.pending_email]).toEqual([200, person.email, email]);
    await mailTo(running(), person.email, /change of your email address was requested/);
    expect((await api().post("auth/login", { email, password: person.password })).status).toBe(401);
    const token = linkToken(await mailTo(running(), email, /verify-email/));
    const verified = await api().post("auth/verify-email", { token }, access);
    expect([verified.status, verified.body.data?.email]).toEqual([200, email]);
    await mailTo(running(), person.email, /email address was changed/);
    expect(await api().post("auth/verify-email", { token }, access)).toBeProblem(400, "token_invalid");
    const old = { email: person.email, password: person.password };
    expect((await api().post("auth/login", old)).status).toBe(401);
    person = { ...person, email };
    access = (await signIn(running(), person)).access;
    for (const { body } of await everywhere("users/me"))
      expect(body.data).toMatchObject({ email, pending_email: null, is_verified: true });
  });

  test("premium opens the search at once, and closes it at once", async () => {
    const search = async () => (await everywhere("users/search?q=ada")).map(({ status, body }) => [status, body.code]);
    const all = (status: number, code?: string) => running().gateways.map(() => [status, code]);
    expect(await search()).toEqual(all(402, "premium_required"));
    expect((await api().post("users/me/upgrade", { plan: "gold" }, access)).status).toBe(200);
    expect(await search()).toEqual(all(401, "token_stale"));
    access = (await signIn(running(), person)).access;
    expect(await search()).toEqual(all(200));
    expect((await api().post("users/me/downgrade", undefined, access)).status).toBe(200);
    access = (await signIn(running(), person)).access;
    expect(await search()).toEqual(all(402, "premium_required"));
  });
}

async function picture(): Promise<Uint8Array<ArrayBuffer>> {
  const image = sharp({ create: { width: 64, height: 64, channels: 3, background: "teal" } });
  return new Uint8Array(await image.png().toBuffer());
}
