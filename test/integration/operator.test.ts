import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { greet } from "../../scripts/operator/greeting.ts";
import { createOperator, type Operator } from "../../scripts/operator/operator.ts";
import { runLine } from "../../scripts/operator/program.ts";
import { splitWords } from "../../scripts/operator/split-words.ts";
import { waitForGateway } from "../../scripts/run/ready.ts";
import { type ApiClient, createApiClient } from "../support/clients/api-client.ts";
import { eventually } from "../support/eventually.ts";
import { firstAdmin } from "../support/start/installation.ts";
import { type RunningServices, startServices } from "../support/start/services.ts";

const email = "ada@example.com";
let password = "Fine-horse-7-staple";

/** The commands of the REPL and of `usermesh`, as they are typed. */
let running: RunningServices;
let operator: Operator;
let me: string;
let api: ApiClient;
let output: string[] = [];
let errors: string[] = [];

beforeAll(async () => {
  running = await startServices("all", { ADMIN_EMAIL: firstAdmin.email, ADMIN_PASSWORD: firstAdmin.password });
  await waitForGateway(running.url);
  api = createApiClient(running.url);
  operator = createOperator(running.broker, "the mesh of this test", (line) => output.push(line));
  me = `operator:${operator.caller.name}`;
  await api.post("auth/register", { email, password, full_name: "Ada" });
});
afterAll(() => running?.stop());

async function type(line: string): Promise<number> {
  [output, errors] = [[], []];
  return runLine(operator, splitWords(line), new AbortController().signal, (text) => errors.push(text));
}

async function typed(line: string): Promise<string> {
  const code = await type(line);
  expect([line, code, errors]).toEqual([line, 0, []]);
  return output.join("\n");
}

const json = async (line: string) => JSON.parse(await typed(`${line} --json`));
const signIn = (secret = password) => api.post("auth/login", { email, password: secret });
const tokenOf = (answer: Awaited<ReturnType<typeof signIn>>) =>
  (answer.body.data as { access_token: string }).access_token;

/** Who the activity log says has done this last. */
async function actorOf(action: string): Promise<string | null> {
  const entries = await eventually(action, async () => {
    const found = await json(`activity --action ${action} --limit 1`);
    return found.length > 0 && found;
  });
  return entries[0].actor;
}

describe("an operator", () => {
  test("is greeted with the mesh, its nodes and what needs attention", async () => {
    const text = await greet(operator);
    expect(text).toContain(`the mesh of this test. You are ${me}.`);
    expect(text).toMatch(/1 node: admin, auth, gateway, mail, preferences, sessions, users, webhooks, worker-mail/);
  });

  test("finds an account by a part of its name, and shows it", async () => {
    expect(await typed("users find ada")).toContain(email);
    expect(await json("users find ada")).toMatchObject([{ email, is_active: true }]);
    expect(await typed(`users show ${email}`)).toMatch(/status +unverified/);
    expect(await type("users show nobody@example.com")).toBe(1);
    expect(errors).toEqual([expect.stringContaining("No account has the id, email or username nobody@example.com")]);
  });

  test("verifies, disables and enables an account, and is recorded by name", async () => {
    await typed(`users verify ${email}`);
    // The one who registered the account has not proven the address, so their password is revoked.
    expect((await signIn()).status).toBe(401);
    ({ password } = await json(`admin reset-password ${email}`));
    expect((await signIn()).status).toBe(200);
    expect(await typed(`sessions list ${email}`)).toMatch(/DEVICE/);
    await typed(`users disable ${email} --reason spam`);
    expect((await signIn()).status).toBe(403);
    expect(await json(`sessions list ${email}`)).toEqual([]);
    expect(await actorOf("user.deactivated")).toBe(me);
    await typed(`users enable ${email}`);
    expect((await signIn()).status).toBe(200);
    expect(await actorOf("user.reactivated")).toBe(me);
  });

  test("revokes the sessions of an account", async () => {
    const token = tokenOf(await signIn());
    await typed(`sessions revoke ${email}`);
    expect((await api.get("users/me", token)).status).toBe(401);
    await eventually("the entry", async () => (await actorOf("session.revoked")) === me);
  });

  test("deletes and restores an account", async () => {
    expect(await typed(`users delete ${email}`)).toContain("will be erased after");
    expect(await typed("erasures")).toContain("scheduled");
    expect(await actorOf("user.deleted")).toBe(me);
    await typed(`users restore ${email}`);
    expect(await json("erasures")).toEqual([]);
    expect((await signIn()).status).toBe(200);
  });

  test("gives an account another password, which ends its sessions", async () => {
    const token = tokenOf(await signIn());
    const { password: next } = await json(`admin reset-password ${email}`);
    expect((await api.get("users/me", token)).status).toBe(401);
    expect((await signIn()).status).toBe(401);
    expect((await signIn(next)).status).toBe(200);
    expect(await actorOf("password.changed")).toBe(me);
  });

  test("creates an administrator once", async () => {
    const created = await json("admin create second@example.com");
    const answer = await api.post("auth/login", { email: "second@example.com", password: created.password });
    expect(answer.body.data).toMatchObject({ user: { roles: expect.arrayContaining(["admin"]) } });
    await eventually("the entry", async () => (await actorOf("user.created")) === me);
    expect(await type("admin create second@example.com")).toBe(1);
    expect(errors.join()).toContain("exists");
  });

  test("replaces the signing key, and nobody is signed out", async () => {
    const token = tokenOf(await api.post("auth/login", firstAdmin));
    const { kid } = await json("keys rotate");
    const { signing } = await json("keys list");
    expect(signing.map((key: { kid: string; state: string }) => [key.kid === kid, key.state])).toEqual([
      [true, "next"],
      [false, "signing"],
    ]);
    expect((await api.get("users/me", token)).status).toBe(200);
    expect(await actorOf("signing_key.rotated")).toBe(me);
    expect(await typed("keys list")).toContain("Everything is under");
  });

  test("follows events, and has them published again", async () => {
    const lines = (await typed("events tail --once --json --user second@example.com")).split("\n");
    expect(lines.map((line) => JSON.parse(line).event_type)).toContain("user.created");
    const { replayed } = await json("events replay users --since 1h");
    expect(replayed).toBeGreaterThan(3);
    await running.settled();
    expect(await actorOf("events.replayed")).toBe(me);
    expect(await json("activity --action user.deactivated")).toHaveLength(1);
    expect(await type("events replay nowhere --since 1h")).toBe(1);
    expect(errors.join()).toMatch(/Events come from .*users/);
  });

  test.each([
    ...["queues", "dead list", "breakers", "outbox", "roles", "tenants", "nodes", "actions", "activity", "users find"],
    "mesh top --once --interval 0.5",
  ])("%s fits 80 columns, and prints JSON for scripts", async (line) => {
    const text = await typed(line);
    expect(Math.max(...text.split("\n").map((one) => one.length))).toBeLessThanOrEqual(80);
    expect(() => JSON.parse(text)).toThrow();
    await json(line);
  });

  test("sees which actions are for operators, with their parameters", async () => {
    expect(await json("actions users.setStatus")).toMatchObject([
      { params: { id: "string", is_active: "boolean", reason: "string|optional" }, callers: ["user", "operator"] },
    ]);
  });

  test("calls an action, and is refused in one line that says what is missing", async () => {
    expect(await json("call users.counts")).toMatchObject({ total_users: expect.any(Number) });
    expect((await json("call api.listAliases --grouping true"))[0]).toHaveProperty("aliases");
    expect(await type("call users.deleteMe")).toBe(1);
    expect(errors).toEqual([`users.deleteMe is not for operators: "operator" is not among its callers (user).`]);
    await type("call users.setStatus --id 1");
    expect(errors).toEqual([expect.stringMatching(/^id .*is_active is required\.$/)]);
    await type("call nowhere.at_all");
    expect(errors).toEqual([expect.stringContaining("no node runs the service nowhere")]);
  });

  test("gets help for a command, and a suggestion for a mistyped one", async () => {
    expect(await typed("users find --help")).toContain("--tenant <slug>");
    expect(await type("users fnd")).toBe(2);
    expect(errors.join()).toContain("Did you mean find?");
    expect(await type("nonsense")).toBe(2);
    expect(errors).toEqual(["unknown command 'nonsense'", "`help` lists the commands."]);
    expect(await type("users show")).toBe(2);
    expect(errors).toContain("`users show --help` explains it.");
  });
});
