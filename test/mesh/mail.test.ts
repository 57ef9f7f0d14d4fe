import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Mail } from "../../lib/runtime/platform.ts";
import { eventually } from "../support/eventually.ts";
import { linkToken, mailTo, newPerson, register, signIn } from "../support/flows/main-flow.ts";
import { startMesh, type TestMesh } from "../support/start/mesh.ts";

const MOMENTS = 10;
/** About the time from the response to a sign-up until its mail is recorded as sent. */
const LATEST_MS = 150;
const PATIENCE = { every: 50 };

describe("a mail", () => {
  let mesh: TestMesh;
  beforeAll(async () => {
    mesh = await startMesh({
      processes: { auth: 2, users: 2, mail: 2, "worker-mail": 2 },
      env: { CIRCUIT_BREAKER_OPEN_SECONDS: "2" },
    });
  });
  afterAll(() => mesh?.stop());

  const mailsTo = (email: string) => mesh.mails().filter((mail) => mail.to.includes(email));
  const both = (service: string) => [`${service}-1`, `${service}-2`];
  const killAll = (names: readonly string[]) => Promise.all(names.map((name) => mesh.kill(name)));
  const restartAll = (names: readonly string[]) => Promise.all(names.map((name) => mesh.restart(name)));

  test("is delivered, even if auth, users, mail, its worker or Redis is killed after the sign-up", async () => {
    const faults = ["auth", "users", "mail", "worker-mail"].map((service) => ({
      kill: () => killAll(both(service)),
      restore: () => restartAll(both(service)),
    }));
    const redis = { kill: () => mesh.redis.kill(), restore: () => mesh.redis.start() };
    const victims = [...faults, redis];
    const people: Array<Awaited<ReturnType<typeof register>>> = [];
    for (let moment = 0; moment < MOMENTS; moment += 1) {
      const victim = victims[moment % victims.length] ?? redis;
      people.push(await eventually("a sign-up", () => register(mesh), PATIENCE));
      await sleep(Math.random() * LATEST_MS);
      await victim.kill();
      await victim.restore();
    }
    await eventually("a mail to each", () => people.every(({ email }) => mailsTo(email).length > 0), PATIENCE);
    await settled(mesh);
    for (const { email } of people) {
      expect(mailsTo(email).length).toBeLessThanOrEqual(2);
      expect(distinct(mailsTo(email))).toEqual({ ids: 1, tokens: 1 });
    }
    const [{ email, password } = { email: "", password: "" }] = people;
    const token = linkToken(mailsTo(email)[0] as Mail);
    const verified = await mesh.api.post("auth/verify-email", { token, password });
    expect(verified.status).toBe(200);
  });

  test("is sent twice with the same Message-ID and token if mail is killed before it records the delivery", async () => {
    await mesh.database.query(
      `CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not now'; END $$`,
    );
    await mesh.database.query(
      `CREATE TRIGGER refuse BEFORE UPDATE ON mail.messages FOR EACH ROW WHEN (NEW.state = 'sent') EXECUTE FUNCTION public.refuse()`,
    );
    const { email } = await register(mesh);
    await eventually("the first mail", () => mailsTo(email).length === 1, { every: 2 });
    await killAll(both("mail"));
    await mesh.database.query("DROP TRIGGER refuse ON mail.messages");
    await restartAll(both("mail"));
    await eventually("the second mail", () => mailsTo(email).length === 2, PATIENCE);
    await settled(mesh);
    expect(mailsTo(email)).toHaveLength(2);
    expect(distinct(mailsTo(email))).toEqual({ ids: 1, tokens: 1 });
  });

  test("has a working link, even if SMTP was unavailable for longer than the link's lifetime", async () => {
    const person = newPerson();
    const { id } = await register(mesh, person);
    await mailTo(mesh, person.email, /verify-email/);
    await mesh.smtp.stop();
    expect((await mesh.api.post("auth/password-reset-request", { email: person.email })).status).toBe(202);
    // The link expires between two tries: a try that is under way would still send it.
    const expire = `WITH waiting AS (
        SELECT 1 FROM mail.messages WHERE user_id = $1 AND state = 'pending' AND locked_by IS NULL FOR UPDATE)
      UPDATE auth.one_time_tokens
      SET requested_at = requested_at - interval '3 hours', derived_at = derived_at - interval '3 hours'
      WHERE user_id = $1 AND purpose = 'reset_password' AND derived_at IS NOT NULL AND EXISTS (SELECT FROM waiting)
      RETURNING id`;
    await eventually("a failed try", async () => (await mesh.database.query(expire, [id])).length === 1);
    await mesh.smtp.start();
    const token = linkToken(await mailTo(mesh, person.email, /reset-password/));
    const password = `${person.password}-reset`;
    const reset = await mesh.api.post("auth/password-reset-confirm", { token, new_password: password });
    expect(reset.status).toBe(200);
    expect((await signIn(mesh, { ...person, password })).access).not.toBe("");
  });
});

function distinct(mails: readonly Mail[]): { ids: number; tokens: number } {
  return { ids: new Set(mails.map((mail) => mail.message_id)).size, tokens: new Set(mails.map(linkToken)).size };
}

/** Waits until all sent mails are recorded and confirmed. */
async function settled(mesh: TestMesh): Promise<void> {
  const open = "SELECT 1 FROM mail.messages WHERE state <> 'skipped' AND confirmed_at IS NULL";
  await eventually("all mails recorded", async () => (await mesh.database.query(open)).length === 0, PATIENCE);
}
