import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { newPerson, signIn } from "../../support/main-flow.ts";
import { startUsermesh, type Usermesh } from "../../support/usermesh.ts";

let usermesh: Usermesh;
beforeAll(async () => {
  usermesh = await startUsermesh({ PASSWORD_POLICY: "length" });
});
afterAll(() => usermesh.stop());

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
