import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { newPerson, register, signIn } from "../../support/flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "../../support/start/usermesh.ts";

let usermesh: Usermesh;
let user: SignedIn;
let premium: SignedIn;
let admin: { access: string };

interface SignedIn {
  readonly id: string;
  readonly email: string;
  readonly access: string;
  readonly refresh: string;
}

beforeAll(async () => {
  usermesh = await startUsermesh();
  user = await someone();
  premium = await someone();
  await usermesh.api.post("users/me/upgrade", {}, premium.access);
  premium = { ...premium, access: await refreshed(premium) };
  admin = await signIn(usermesh, usermesh.admin);
});
afterAll(() => usermesh.stop());

async function someone(more: object = {}): Promise<SignedIn> {
  const person = await register(usermesh, newPerson(), more);
  return { ...person, ...(await signIn(usermesh, person)) };
}

async function refreshed({ refresh }: SignedIn): Promise<string> {
  return (await usermesh.api.post("auth/refresh", { refresh_token: refresh })).body.data.access_token;
}

const get = async (path: string, token?: string) => (await usermesh.api.get(path, token)).body;
const found = async (query: string, token = premium.access) =>
  (await get(`users/search?${query}`, token)).data.map((one: { full_name: string }) => one.full_name);

describe("who may call what", () => {
  const routes = [
    ["GET", "users/me/stats", [401, 200, 200, 200]],
    ["GET", "users/search?q=ada", [401, 402, 200, 200]],
    ["GET", "users/{id}", [401, 402, 200, 200]],
    ["GET", "users/{id}/profile", [401, 402, 200, 200]],
    ["GET", "users/{id}/preferences", [401, 402, 200, 200]],
    ["DELETE", "users/me/avatar", [401, 200, 200, 200]],
  ] as const;

  test.each(routes)("%s %s", async (method, path, expected) => {
    const tokens = [undefined, user.access, premium.access, admin.access];
    const statuses: number[] = [];
    for (const token of tokens)
      statuses.push((await usermesh.api.request(method, path.replace("{id}", user.id), { token })).status);
    expect(statuses).toEqual(expected);
  });

  test("without a subscription they answer 402 premium_required, with a token of another tenant 404", async () => {
    expect((await get("users/search", user.access)).code).toBe("premium_required");
    expect((await get(`users/${user.id.replace(/^./, "f")}`, premium.access)).code).toBe("not_found");
  });
});

describe("another user", () => {
  test("is shown without email, phone, date of birth and private fields", async () => {
    const other = await someone({ full_name: "Grace Hopper" });
    await usermesh.api.patch(
      "users/me/profile",
      { phone: "+491701234567", date_of_birth: "1906-12-09", gender: "f", skills: ["COBOL"] },
      other.access,
    );
    await usermesh.api.patch("users/me/preferences", { salary_min: 50_000, desired_titles: ["Admiral"] }, other.access);
    const [person, profile, wishes] = await Promise.all(
      ["", "/profile", "/preferences"].map(
        async (part) => (await get(`users/${other.id}${part}`, premium.access)).data,
      ),
    );
    expect(person).toMatchObject({ id: other.id, full_name: "Grace Hopper" });
    expect(profile).toMatchObject({ skills: ["COBOL"] });
    expect(wishes).toMatchObject({ desired_titles: ["Admiral"] });
    expect(JSON.stringify([person, profile, wishes])).not.toMatch(
      /@example|\+4917|1906|gender|salary|notification|privacy|push/,
    );
  });

  test.each(["private", "connections"])(
    "who is %s is not there, in no view, from the answer on",
    async (privacy_profile) => {
      const name = `Hidden ${privacy_profile}${Math.random().toString(36).slice(2)}`;
      const other = await someone({ full_name: name });
      expect(await found(`q=${encodeURIComponent(name)}`)).toContain(name);
      await usermesh.api.patch("users/me/preferences", { privacy_profile }, other.access);
      expect(await found(`q=${encodeURIComponent(name)}`)).not.toContain(name);
      for (const part of ["", "/profile", "/preferences"])
        expect((await get(`users/${other.id}${part}`, premium.access)).code).toBe("not_found");
    },
  );

  test("with visibility `connections` is shown to a caller who asserts a connection", async () => {
    const other = await someone({ full_name: "Only Connections" });
    await usermesh.api.patch("users/me/preferences", { privacy_profile: "connections" }, other.access);
    expect((await get(`users/${other.id}`, admin.access)).data?.full_name).toBe("Only Connections");
    expect(await found("q=only+connections", admin.access)).toEqual(["Only Connections"]);
  });

  test("is not shown if deactivated", async () => {
    const other = await someone({ full_name: "Soon Disabled" });
    await usermesh.api.put(`admin/users/${other.id}/status`, { is_active: false }, admin.access);
    expect((await get(`users/${other.id}`, premium.access)).code).toBe("not_found");
    expect(await found("q=soon+disabled")).toEqual([]);
  });

  test("with a hidden location is neither shown with it nor found by it", async () => {
    const other = await someone({ full_name: "Phileas Fogg" });
    await usermesh.api.patch("users/me", { location: "Savile Row, London" }, other.access);
    expect(await found("location=savile")).toEqual(["Phileas Fogg"]);
    await usermesh.api.patch("users/me/preferences", { privacy_location: false }, other.access);
    expect(await found("location=savile")).toEqual([]);
    expect((await get(`users/${other.id}`, premium.access)).data.location).toBeNull();
  });
});

describe("search", () => {
  test("finds by name, username, title, company and skill, ignoring case, and never by email", async () => {
    const other = await someone({ full_name: "Zephyrine Quandt", username: `zq-${Date.now()}` });
    await usermesh.api.patch("users/me", { current_title: "Glassblower", company: "Murano Works" }, other.access);
    await usermesh.api.patch("users/me/profile", { skills: ["Filigrana"] }, other.access);
    for (const q of ["zephyrine", "ZQ-", "glassblower", "murano", "filigrana", "quandt glassblower", "zeph"])
      expect([q, await found(`q=${q}`)]).toEqual([q, ["Zephyrine Quandt"]]);
    expect(await found(`q=${encodeURIComponent(other.email)}`)).toEqual([]);
  });

  test("finds a nine-letter name with a wrong letter, and ranks the exact one first", async () => {
    await someone({ full_name: "Hephzibah Smith" });
    await someone({ full_name: "Hephzibeh Smith" });
    expect(await found("q=Hephzibah")).toEqual(["Hephzibah Smith", "Hephzibeh Smith"]);
    expect((await found("q=Hephzibuh")).sort()).toEqual(["Hephzibah Smith", "Hephzibeh Smith"]);
  });

  test("filters by industry and skills, ignoring case", async () => {
    const other = await someone({ full_name: "Filter Person" });
    await usermesh.api.patch("users/me/profile", { industry: "Deep Sea", skills: ["Diving", "Welding"] }, other.access);
    expect(await found("industry=deep%20sea")).toEqual(["Filter Person"]);
    expect(await found("skills=welding,DIVING")).toEqual(["Filter Person"]);
    expect(await found("skills=welding,knitting")).toEqual([]);
  });

  test("counts and pages its results", async () => {
    for (let index = 0; index < 3; index += 1) await someone({ full_name: `Wilhelmina ${index}` });
    const pages = [
      await get("users/search?q=wilhelmina&limit=2", premium.access),
      await get("users/search?q=wilhelmina&limit=2&page=2", premium.access),
    ];
    expect(pages.map((one) => one.data.length)).toEqual([2, 1]);
    expect(pages[0].meta).toMatchObject({ total: 3, page: 1, total_pages: 2, has_next: true, next_cursor: null });
    expect((await get("users/search?q=wilhelmina&limit=2&page=9", premium.access)).meta.total).toBe(3);
  });

  test.each(["+", "%25", "_", "'", "%00", "\\", "%F0%9F%98%80", "a".repeat(255)])(
    "of %p is answered, not run",
    async (q) => {
      const { status } = await usermesh.api.get(
        `users/search?q=${q}&location=${q}&skills=${q}&industry=x`,
        premium.access,
      );
      expect([200, 422]).toContain(status);
    },
  );
});

describe("stats", () => {
  test("count sessions and sign-ins, and report profile completeness", async () => {
    const other = await someone();
    const before = (await get("users/me/stats", other.access)).data;
    expect(before).toMatchObject({
      account_age_days: 0,
      profile_completeness: 0,
      active_sessions: 1,
      is_verified: false,
    });
    await signIn(usermesh, { email: other.email, password: (other as unknown as { password: string }).password });
    await usermesh.api.patch("users/me", { full_name: "A", company: "B", bio: "C" }, other.access);
    expect((await get("users/me/stats", other.access)).data).toMatchObject({
      active_sessions: 2,
      profile_completeness: 20,
    });
  });
});
