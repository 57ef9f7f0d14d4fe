import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Caller } from "../../lib/actions/caller.ts";
import { findFreePort } from "../../scripts/local-servers/ports.ts";
import { waitForGateway } from "../../scripts/run/ready.ts";
import { createApiClient } from "../support/clients/api-client.ts";
import { linkToken, mailTo, newPerson, register, signIn } from "../support/flows/main-flow.ts";
import { createTestDatabase, type TestDatabase } from "../support/start/database.ts";
import { startServices } from "../support/start/services.ts";

const [older, newer] = [`k1:${"older-secret-".repeat(3)}`, `k2:${"newer-secret-".repeat(3)}`];
const PHONE = "+441234567890";
const maintenance: Caller = { kind: "service", name: "worker-maintenance" };
const admin = { email: "admin@example.com", password: "Usher-of-the-Mesh-1" };

let database: TestDatabase;
let port: number;
beforeAll(async () => {
  database = await createTestDatabase();
  port = await findFreePort();
});
afterAll(() => database?.drop());

/** All services in one process, restarted with this key ring over the existing data. */
async function startWith(ring: string) {
  const running = await startServices("all", {
    DATABASE_URL: database.url,
    SECRET_KEY: ring,
    APP_PORT: String(port),
    ADMIN_EMAIL: admin.email,
    ADMIN_PASSWORD: admin.password,
  });
  await waitForGateway(running.url);
  const api = createApiClient(running.url);
  return { ...running, admin, api, [Symbol.asyncDispose]: running.stop };
}

test("in one process a new key goes second, then first, then the old one goes: no session, link, password or phone number is lost", async () => {
  const person = newPerson();
  let session: Awaited<ReturnType<typeof signIn>>;
  let link: string;
  {
    await using running = await startWith(older);
    await register(running, person);
    session = await signIn(running, person);
    expect((await running.api.put("users/me/profile", { phone: PHONE }, session.access)).status).toBe(200);
    link = linkToken(await mailTo(running, person.email, /verify-email/));
  }
  for (const ring of [`${older},${newer}`, `${newer},${older}`, newer]) {
    await using running = await startWith(ring);
    expect((await running.api.get("users/me", session.access)).status).toBe(200);
    const { status, body } = await running.api.post("auth/refresh", { refresh_token: session.refresh });
    expect([ring, status]).toEqual([ring, 200]);
    session = { ...session, access: body.data.access_token, refresh: body.data.refresh_token };
    if (ring.startsWith("k2") && ring.includes("k1:")) {
      expect((await running.api.post("auth/verify-email", { token: link, password: person.password })).status).toBe(
        200,
      );
      await running.call("auth.rotateKeys", {}, maintenance);
      await running.call("users.rotateKeys", {}, maintenance);
    }
    expect((await signIn(running, person)).access).not.toBe("");
    expect((await running.api.get("users/me/profile", session.access)).body.data.phone).toBe(PHONE);
  }
});
