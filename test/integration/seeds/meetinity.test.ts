import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import sharp from "sharp";
import { type MaliciousProvider, startMaliciousProvider } from "../../support/fakes/malicious-provider.ts";
import { newPerson, register, signIn } from "../../support/flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "../../support/start/usermesh.ts";

let usermesh: Usermesh;
let providers: Record<"google" | "linkedin", MaliciousProvider>;
beforeAll(async () => {
  providers = { google: await startMaliciousProvider(), linkedin: await startMaliciousProvider() };
  usermesh = await startUsermesh({
    USERMESH_PROFILE: "meetinity",
    OAUTH_GOOGLE_ISSUER: providers.google.issuer,
    OAUTH_GOOGLE_CLIENT_ID: "your-google-client-id",
    OAUTH_GOOGLE_CLIENT_SECRET: "your-google-client-secret",
    OAUTH_LINKEDIN_ISSUER: providers.linkedin.issuer,
    OAUTH_LINKEDIN_CLIENT_ID: "your-linkedin-client-id",
    OAUTH_LINKEDIN_CLIENT_SECRET: "your-linkedin-client-secret",
  });
});
afterAll(async () => {
  await usermesh?.stop();
  await Promise.all(Object.values(providers).map((one) => one.stop()));
});

/** With and without the prefix of its API gateway. */
describe.each(["", "/api"])("a client of Meetinity with the base URL <ours>%s", (base) => {
  const { email } = newPerson("john");
  const password = "securepassword";
  let id = "";
  let access = "";
  let refresh = "";
  const send = (method: string, path: string, body?: unknown, token?: string) =>
    usermesh.api.request(method, base + path, { body, token });

  test("registers", async () => {
    const { status, body } = await send("POST", "/auth/register", { email, name: "John Doe", password });
    expect([status, body.data.name, body.data.full_name]).toEqual([201, "John Doe", "John Doe"]);
    id = body.data.id;
  });

  test("signs in and refreshes", async () => {
    const signedIn = await send("POST", "/auth/login", { email, password });
    expect(signedIn.body.data.user.name).toBe("John Doe");
    expect(signedIn.body.data).toMatchObject({ expires_in: 86_400, refresh_expires_in: 30 * 86_400 });
    const refreshed = await send("POST", "/auth/refresh", { refresh_token: signedIn.body.data.refresh_token });
    expect(refreshed.status).toBe(200);
    ({ access_token: access, refresh_token: refresh } = refreshed.body.data);
  });

  test("changes basic and extended fields of the profile in one request, by its own names", async () => {
    const change = {
      name: "John D.",
      bio: "Builds things that people use",
      location: "San Francisco, CA",
      industry: "Technology",
      job_title: "Senior Software Engineer",
      company: "Tech Corp",
      linkedin_url: "https://linkedin.com/in/johndoe",
    };
    const { status, body } = await send("PUT", "/users/profile", change, access);
    expect([status, body.data]).toMatchObject([200, { ...change, current_title: change.job_title }]);
    const profile = await send("GET", "/users/profile", undefined, access);
    expect(profile.body.data).toMatchObject({ ...change, email, profile_picture_url: null });
    expect(profile.body.data).toHaveProperty("last_login");
    expect((await usermesh.api.get("users/me/profile", access)).body.data.industry).toBe("Technology");
  });

  test("a change with one bad field changes nothing", async () => {
    const { status } = await send("PUT", "/users/profile", { name: "X", linkedin_url: "javascript:alert(1)" }, access);
    expect(status).toBe(422);
    expect((await send("GET", "/users/profile", undefined, access)).body.data.name).toBe("John D.");
  });

  test("uploads a picture", async () => {
    const png = await sharp({ create: { width: 8, height: 8, channels: 3, background: "teal" } })
      .png()
      .toBuffer();
    const raw = new FormData();
    raw.append("file", new Blob([new Uint8Array(png)], { type: "image/png" }), "me.png");
    const options = { raw, token: access };
    const { status, body } = await usermesh.api.request("POST", `${base}/users/profile/avatar`, options);
    expect([status, body.data.profile_picture_url]).toEqual([200, expect.stringContaining("/avatars/")]);
    const { data } = (await send("GET", "/users/profile", undefined, access)).body;
    expect(data.profile_picture_url).toBe(body.data.profile_picture_url);
  });

  test.each(["google", "linkedin"] as const)("signs in with %s", async (name) => {
    const begun = await send("GET", `/auth/oauth/${name}`);
    const asked = new URL(begun.headers.get("location") ?? "");
    expect([begun.status, asked.origin, asked.searchParams.get("client_id")]).toEqual([
      302,
      providers[name].issuer,
      `your-${name}-client-id`,
    ]);
    const claims = { sub: newPerson().email, email: newPerson().email, email_verified: true, name: "Jane Doe" };
    const back = new URLSearchParams({ state: asked.searchParams.get("state") ?? "" });
    back.set("code", providers[name].issue(asked.href, claims));
    const cookie = begun.headers.getSetCookie()[0]?.split(";")[0] ?? "";
    const path = `${base}/auth/oauth/${name}/callback?${back}`;
    const { status, body } = await usermesh.api.request("GET", path, { headers: { cookie } });
    expect([status, body.data.user]).toMatchObject([200, { email: claims.email, name: "Jane Doe", is_verified: true }]);
  });

  test("reads and changes the preferences", async () => {
    const change = {
      age_min: 25,
      age_max: 45,
      location_radius: 30,
      industries: ["Technology", "Finance"],
      interests: ["AI", "Blockchain", "Startups"],
      notification_email: true,
      privacy_profile: "public",
    };
    expect((await send("PUT", "/users/preferences", change, access)).body.data).toMatchObject(change);
    expect((await send("GET", "/users/preferences", undefined, access)).body.data).toMatchObject(change);
  });

  test("an administrator lists, reads and disables", async () => {
    const admin = await signIn(usermesh, usermesh.admin);
    const list = await send("GET", `/admin/users?page=1&limit=20&search=${email}`, undefined, admin.access);
    expect(list.body.data).toMatchObject([{ id, name: "John D." }]);
    expect((await send("GET", `/admin/users/${id}`, undefined, admin.access)).body.data.job_title).toBe(
      "Senior Software Engineer",
    );
    expect((await send("GET", "/admin/users", undefined, access)).status).toBe(403);
    const status = { is_active: false, reason: "Terms violation" };
    expect((await send("PUT", `/admin/users/${id}/status`, status, admin.access)).body.data.is_active).toBe(false);
    await send("PUT", `/admin/users/${id}/status`, { is_active: true }, admin.access);
  });

  test("signs out", async () => {
    const signedIn = await send("POST", "/auth/login", { email, password });
    access = signedIn.body.data.access_token;
    expect((await send("POST", "/auth/logout", undefined, access)).status).toBe(200);
    expect((await send("GET", "/users/profile", undefined, access)).status).toBe(401);
    expect(refresh).not.toBe("");
  });
});

describe("what the other services of Meetinity read", () => {
  test("a token's payload has the names that they know", async () => {
    const person = await register(usermesh, newPerson(), { name: "John Doe" });
    const { access } = await signIn(usermesh, person);
    const payload = JSON.parse(Buffer.from(access.split(".")[1] ?? "", "base64url").toString());
    expect(payload).toMatchObject({ user_id: person.id, email: person.email, name: "John Doe", role: "user" });
    for (const name of ["exp", "iat", "jti"]) expect(payload[name]).toBeTruthy();
  });

  test("health tells dependencies and figures", async () => {
    const { status, body } = await usermesh.api.get("/health");
    expect(status).toBe(200);
    expect(body).toMatchObject({
      status: "ok",
      service: expect.any(String),
      version: expect.any(String),
      dependencies: { database: expect.any(String), redis: expect.any(String) },
      metrics: { active_users: expect.any(Number), total_users: expect.any(Number) },
    });
    expect(Object.keys(body.metrics.oauth_providers)).toEqual(expect.arrayContaining(["google", "linkedin"]));
  });

  test("an account's events say that it was created, what was updated, and that it was deleted", async () => {
    const person = await register(usermesh, newPerson(), { name: "John Doe" });
    const { access } = await signIn(usermesh, person);
    await usermesh.api.put("/users/profile", { name: "John D.", bio: "Builds things", location: "Lyon" }, access);
    await usermesh.api.request("DELETE", "users/me", { body: { password: person.password }, token: access });
    const rows = await usermesh.database.query<{ body: Record<string, unknown> }>(
      "SELECT body FROM users.outbox WHERE user_id = $1 AND kind = 'event' ORDER BY id",
      [person.id],
    );
    const events = rows.map((row) => row.body);
    const ofType = (type: string) => events.find((one) => one.event_type === type);
    const always = { user_id: person.id, timestamp: expect.stringMatching(/Z$/) };
    expect(ofType("user.created")).toMatchObject({ ...always, email: person.email, name: "John Doe" });
    expect(ofType("user.updated")).toMatchObject({
      ...always,
      updated_fields: expect.arrayContaining(["name", "bio", "location", "full_name"]),
    });
    expect(ofType("user.deleted")).toMatchObject(always);
  });
});
