import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { readMetrics, sampleOf } from "../support/clients/metrics.ts";
import { eventually } from "../support/eventually.ts";
import { newPerson, register, signIn } from "../support/flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "../support/start/usermesh.ts";

/** ASVS 5.0 V16.3: every security event leaves an entry in the activity log and is counted. */
let mesh: Usermesh;
let access: string;
let userId: string;
const person = newPerson();
const WRONG = "Wrong-Password-1";
const basic = `Basic ${Buffer.from("jobs:wrong").toString("base64")}`;

beforeAll(async () => {
  mesh = await startUsermesh({ SERVICE_CREDENTIALS: "jobs=a-secret-of-the-jobs-service-0123456789" });
  await register(mesh, person);
  access = (await signIn(mesh, person)).access;
  userId = (await mesh.api.get("users/me", access)).body.data.id;
});
afterAll(() => mesh?.stop());

interface Case {
  readonly what: string;
  readonly action: string;
  readonly code?: string;
  /** Whose log has the entry. */
  readonly by: "user" | "nobody";
  readonly status: number;
  ask(): Promise<{ readonly status: number }>;
}

const forgedLink = "v1.k1.0198f7a2-6a3c-7cc1-a2f4-3b1c9d0e5f60.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const forgedRefresh = "v1.k1.0198f7a2-6a3c-7cc1-a2f4-3b1c9d0e5f60.0.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const next = "Another-Password-2";
const cases: readonly Case[] = [
  {
    ...{ what: "a wrong password", action: "sign_in.refused", code: "invalid_credentials", by: "user", status: 401 },
    ask: () => mesh.api.post("auth/login", { email: person.email, password: WRONG }),
  },
  {
    ...{ what: "a wrong password when changing it", action: "reauthentication.refused", by: "user", status: 401 },
    code: "invalid_credentials",
    ask: () => mesh.api.post("auth/change-password", { current_password: WRONG, new_password: next }, access),
  },
  {
    ...{ what: "a wrong password at a change of address", action: "reauthentication.refused", by: "user", status: 401 },
    code: "invalid_credentials",
    ask: () => mesh.api.patch("users/me", { email: newPerson().email, current_password: WRONG }, access),
  },
  {
    ...{ what: "a wrong password at the deletion", action: "reauthentication.refused", by: "user", status: 401 },
    code: "invalid_credentials",
    ask: () => mesh.api.request("DELETE", "users/me", { token: access, body: { password: WRONG } }),
  },
  {
    ...{ what: "a request for a password reset", action: "password_reset.requested", by: "user", status: 202 },
    ask: () => mesh.api.post("auth/password-reset-request", { email: person.email }),
  },
  {
    ...{ what: "a reset by an administrator", action: "link.sent", by: "user", status: 202 },
    ask: async () => {
      const { access: admin } = await signIn(mesh, mesh.admin);
      return mesh.api.post(`admin/users/${userId}/links`, { kind: "password_reset" }, admin);
    },
  },
  {
    ...{ what: "a forged reset link", action: "one_time_token.refused", by: "nobody", status: 400 },
    code: "one_time_token_invalid",
    ask: () => mesh.api.post("auth/password-reset-confirm", { token: forgedLink, new_password: next }),
  },
  {
    ...{ what: "a forged verification link", action: "one_time_token.refused", by: "nobody", status: 400 },
    code: "one_time_token_invalid",
    ask: () => mesh.api.post("auth/verify-email", { token: forgedLink }),
  },
  {
    ...{ what: "a forged refresh token", action: "refresh_token.refused", by: "nobody", status: 401 },
    code: "refresh_token_invalid",
    ask: () => mesh.api.post("auth/refresh", { refresh_token: forgedRefresh }),
  },
  {
    ...{
      what: "a forged access token",
      action: "access_token.refused",
      code: "token_invalid",
      by: "nobody",
      status: 401,
    },
    ask: () => mesh.api.get("users/me", "eyJhbGciOiJub25lIn0.e30."),
  },
  {
    ...{ what: "a wrong service secret", action: "service_credentials.refused", by: "nobody", status: 401 },
    code: "token_invalid",
    ask: () => mesh.api.request("POST", "auth/introspect", { body: { token: "x" }, headers: { authorization: basic } }),
  },
  {
    ...{ what: "a missing permission", action: "request.refused", code: "forbidden", by: "user", status: 403 },
    ask: () => mesh.api.get("admin/users", access),
  },
  {
    ...{ what: "a missing subscription", action: "request.refused", code: "premium_required", by: "user", status: 402 },
    ask: () => mesh.api.get("users/search?q=ada", access),
  },
];

const entries = (action: string, code?: string) =>
  mesh.database.query<{ user_id: string | null; ip: string | null; details: Record<string, unknown> }>(
    `SELECT user_id, ip, details FROM admin.activity WHERE action = $1 AND ($2::text IS NULL OR details ->> 'code' = $2)
     ORDER BY seq DESC`,
    [action, code ?? null],
  );

describe("every security event leaves an entry", () => {
  test.each(cases)("$what", async ({ action, code, by, status, ask }) => {
    const before = (await entries(action, code)).length;
    const counted = (text: string) =>
      sampleOf(text, `usermesh_security_events_total{event="${action}",code="${code}"}`);
    const earlier = counted(await readMetrics(mesh.url)) ?? 0;
    // A busy machine may answer 503, which is none of these events.
    const answered = await eventually("an answer", async () => {
      const answer = await ask();
      return answer.status !== 503 && answer;
    });
    expect(answered.status).toBe(status);
    const [entry] = await eventually(`an entry ${action}`, async () => {
      const found = await entries(action, code);
      return found.length > before && found;
    });
    expect(entry).toMatchObject({ user_id: by === "user" ? userId : null, ip: "127.0.0.1" });
    if (code !== undefined) expect(counted(await readMetrics(mesh.url))).toBe(earlier + 1);
  });

  test("a throttled sign-in, for the account that is tried", async () => {
    const victim = newPerson();
    const { id } = (await register(mesh, victim)) as unknown as { id: string };
    const attempt = () => mesh.api.post("auth/login", { email: victim.email, password: WRONG });
    await eventually("a throttled attempt", async () => (await attempt()).status === 429);
    const [entry] = await eventually("its entry", async () => {
      const found = await entries("sign_in.throttled");
      return found.length > 0 && found;
    });
    expect(entry?.user_id).not.toBeNull();
    if (id) expect(entry?.user_id).toBe(id);
  });
});

describe("a flood of refusals", () => {
  test("writes one entry, and is counted in full", async () => {
    const forged = () => mesh.api.get("auth/sessions", "eyJhbGciOiJub25lIn0.e30.");
    const series = 'usermesh_security_events_total{event="access_token.refused",code="token_invalid"}';
    const before = sampleOf(await readMetrics(mesh.url), series) ?? 0;
    for (let round = 0; round < 10; round += 1) await Promise.all(Array.from({ length: 10 }, forged));
    expect(sampleOf(await readMetrics(mesh.url), series)).toBe(before + 100);
    const ofRoute = async () =>
      (await entries("access_token.refused")).filter(({ details }) => details.path === "/api/v1/auth/sessions");
    await eventually("the entry", async () => (await ofRoute()).length === 1);
  });

  test("of wrong service secrets is refused with 429, also a right one", async () => {
    const wrong = () =>
      mesh.api.request("POST", "auth/introspect", { body: { token: "x" }, headers: { authorization: basic } });
    const statuses: number[] = [];
    for (let round = 0; round < 25; round += 1) statuses.push((await wrong()).status);
    expect(new Set(statuses.slice(-5))).toEqual(new Set([429]));
    expect(statuses.filter((status) => status === 401).length).toBeLessThanOrEqual(20);
  });
});
