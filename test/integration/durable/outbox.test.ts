import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { findFreePort } from "../../../scripts/local-servers/ports.ts";
import { eventually } from "../../support/eventually.ts";
import { startUsermesh, type Usermesh } from "../../support/start/usermesh.ts";

/** More than a relay publishes in one batch. */
const WAITING = 220;
const password = "Difference-Engine-1";

let usermesh: Usermesh;

beforeAll(async () => {
  usermesh = await startUsermesh({ REDIS_URL: `redis://127.0.0.1:${await findFreePort()}` });
});

afterAll(() => usermesh.stop());

const waiting = async (kind: string): Promise<number> => {
  const sql = `SELECT count(*)::int AS n FROM auth.outbox WHERE published_at IS NULL AND kind = '${kind}'`;
  return (await usermesh.database.query<{ n: number }>(sql))[0]?.n ?? 0;
};

test("events do not wait behind jobs while Redis is down", async () => {
  const emails = Array.from({ length: WAITING }, (_, index) => `waits-${index}@example.com`);
  for (const email of emails) expect((await usermesh.api.post("auth/register", { email, password })).status).toBe(201);
  await eventually("the mails are due", async () => (await waiting("job")) >= WAITING);
  const { body } = await usermesh.api.post("auth/login", { email: emails.at(-1), password });
  const change = { current_password: password, new_password: "Analytical-Engine-2" };
  expect((await usermesh.api.post("auth/change-password", change, body.data.access_token)).status).toBe(200);
  await eventually("the change is stated", async () => (await waiting("event")) === 0);
  const sql = "SELECT FROM auth.outbox WHERE kind = 'event' AND body ->> 'event_type' = 'password.changed'";
  expect(await usermesh.database.query(sql)).toHaveLength(1);
});
