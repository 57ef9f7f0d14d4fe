import { randomBytes } from "node:crypto";
import { expect } from "@jest/globals";
import { eventually } from "../eventually.ts";
import type { TestDatabase } from "../start/database.ts";
import { linkToken, mailTo, newPerson, type Running, register, signIn } from "./main-flow.ts";

export interface Traced {
  readonly id: string;
  readonly email: string;
  readonly password: string;
  readonly access: string;
  /** What was put in and must be gone in the end. */
  readonly traces: readonly string[];
}

const word = (what: string) => `${what}${randomBytes(5).toString("hex")}`;
const agent = "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/133.0";

/** A person who has left something in every service. */
export async function leaveTraces(running: Running): Promise<Traced> {
  const { api } = running;
  const person = newPerson(word("trace"));
  const full_name = `Ada ${word("Lovelace")}`;
  const username = word("user");
  const device = word("device");
  const { id } = await register(running, person, {
    full_name,
    username,
    preferences: { interests: [word("interest")] },
  });
  const token = linkToken(await mailTo(running, person.email, /verify-email/));
  expect((await api.post("auth/verify-email", { token, password: person.password })).status).toBe(200);
  const { body } = await api.request("POST", "auth/login", {
    body: { email: person.email, password: person.password, device_name: device },
    headers: { "user-agent": agent },
  });
  const access: string = body.data.access_token;
  const basic = { bio: word("bio"), company: word("company"), current_title: word("title"), location: word("town") };
  const extended = {
    phone: `+49${Date.now()}`,
    date_of_birth: "1815-12-10",
    headline: word("headline"),
    skills: [word("skill")],
  };
  const keyed = { token: access, headers: { "idempotency-key": word("key") } };
  expect((await api.request("PATCH", "users/me", { ...keyed, body: basic })).status).toBe(200);
  expect((await api.put("users/me/profile", extended, access)).status).toBe(200);
  const interests = [word("hobby")];
  expect((await api.patch("users/me/preferences", { interests }, access)).status).toBe(200);
  await api.post("auth/login", { email: person.email, password: "Wrong-1-wrong" });
  await api.post("auth/password-reset-request", { email: person.email });
  const texts = [person.email, full_name, username, device, ...Object.values(basic), extended.phone, extended.headline];
  return { id, ...person, access, traces: [...texts, ...extended.skills, ...interests] };
}

/** Tables of all schemas in which one of the texts stands, in whatever column. */
export async function tablesWith(database: TestDatabase, texts: readonly string[]): Promise<string[]> {
  const tables = await database.query<{ name: string }>(
    `SELECT format('%I.%I', table_schema, table_name) AS name FROM information_schema.tables
     WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')`,
  );
  const found: string[] = [];
  for (const { name } of tables) {
    const sql = `SELECT 1 FROM ${name} AS t WHERE EXISTS (SELECT FROM unnest($1::text[]) AS w WHERE strpos(lower(t::text), lower(w)) > 0) LIMIT 1`;
    if ((await database.query(sql, [texts])).length > 0) found.push(name);
  }
  return found;
}

/** Waits until every service has confirmed. */
export async function erased(database: TestDatabase, userId: string): Promise<void> {
  const sql = "SELECT 1 FROM users.erasures WHERE user_id = $1 AND completed_at IS NOT NULL";
  await eventually("the erasure", async () => (await database.query(sql, [userId])).length === 1, {
    every: 100,
  });
}

/** The certificate, as the tenant's administrator sees it. Just after a process was killed, requests may be answered with 503. */
export async function certificateOf(running: Running, userId: string) {
  const admin = await eventually("a sign-in", () => signIn(running, running.admin), { every: 200 });
  return eventually(
    "an answer",
    async () => {
      const { status, body } = await running.api.get(`admin/users/${userId}/erasure`, admin.access);
      return status < 500 && (body.data ?? body);
    },
    { every: 200 },
  );
}
