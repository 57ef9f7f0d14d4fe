import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { newPerson, type Person, register, signIn } from "../../support/flows/main-flow.ts";
import { createTestDatabase, type TestDatabase } from "../../support/start/database.ts";
import { secretKey } from "../../support/start/installation.ts";
import { startUsermesh, type Usermesh } from "../../support/start/usermesh.ts";

/** `npm run admin` over the database of an installation that is stopped meanwhile. */
const run = promisify(execFile);
const [person, verified] = [newPerson(), newPerson("grace")];
let database: TestDatabase;
let usermesh: Usermesh;
let accessBefore = "";
const outcomes: Record<string, Outcome> = {};

beforeAll(async () => {
  database = await createTestDatabase();
  usermesh = await startUsermesh({ DATABASE_URL: database.url });
  for (const one of [person, verified]) await register(usermesh, one);
  accessBefore = (await signIn(usermesh, person)).access;
  await usermesh.stop();
  await database.query("UPDATE users.users SET is_verified = true WHERE email = $1", [verified.email]);
  outcomes.created = await admin("create", "second@example.com");
  outcomes.createdTwice = await admin("create", "second@example.com");
  outcomes.reset = await admin("reset-password", person.email.toUpperCase());
  outcomes.refused = await admin("grant", person.email);
  outcomes.granted = await admin("grant", verified.email);
  usermesh = await startUsermesh({ DATABASE_URL: database.url });
});
afterAll(async () => {
  await usermesh?.stop();
  await database?.drop();
});

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function admin(...args: string[]): Promise<Outcome> {
  const command = ["--require", "./scripts/environment.cjs", "scripts/admin.ts", ...args];
  const env = { PATH: process.env.PATH, DATABASE_URL: database.url, SECRET_KEY: secretKey, PASSWORD_HASH_COST: "4" };
  return run(process.execPath, command, { env }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: Outcome) => error,
  );
}

const passwordIn = (outcome: Outcome | undefined) => /Password: (\S+) /.exec(outcome?.stdout ?? "")?.[1] ?? "";
const rolesOf = async (one: Person) =>
  (await usermesh.api.get("users/me", (await signIn(usermesh, one)).access)).body.data.roles;

describe("npm run admin", () => {
  test("create: makes an administrator, once", async () => {
    expect(outcomes.created).toMatchObject({ code: 0, stderr: "" });
    const made = { email: "second@example.com", password: passwordIn(outcomes.created) };
    expect(await rolesOf(made)).toEqual(expect.arrayContaining(["admin", "vendor"]));
    expect(outcomes.createdTwice).toMatchObject({ code: 1, stderr: expect.stringContaining("exists") });
  });

  test("reset-password: sets one, ends the sessions, and makes nobody an administrator", async () => {
    expect(outcomes.reset).toMatchObject({ code: 0, stderr: "" });
    expect((await usermesh.api.get("users/me", accessBefore)).status).toBe(401);
    expect((await usermesh.api.post("auth/login", person)).status).toBe(401);
    expect(await rolesOf({ email: person.email, password: passwordIn(outcomes.reset) })).toEqual(["user"]);
  });

  test("grant: for a verified address only", async () => {
    expect(outcomes.refused).toMatchObject({ code: 1, stderr: expect.stringContaining("not verified") });
    expect(outcomes.granted).toMatchObject({ code: 0, stderr: "" });
    expect(await rolesOf(verified)).toContain("admin");
  });

  test("names an unknown command or a missing argument", async () => {
    expect((await admin("toString", "a@example.com")).code).toBe(2);
    expect((await admin("create")).code).toBe(2);
  });
});
