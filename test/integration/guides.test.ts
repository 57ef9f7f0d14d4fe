import { execFile, execFileSync } from "node:child_process";
import { once } from "node:events";
import { request } from "node:http";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { findFreePort } from "../../scripts/local-servers/ports.ts";
import { type ApiClient, createApiClient } from "../support/clients/api-client.ts";
import { newPerson, type Person, type Running, register, signIn } from "../support/flows/main-flow.ts";
import { copyGuidePrograms, startProgram } from "../support/start/guide-programs.ts";
import { firstAdmin } from "../support/start/installation.ts";
import { startServices } from "../support/start/services.ts";
import { installTools } from "../support/start/tools.ts";

const stack = new AsyncDisposableStack();
let api: ApiClient;
let issuer: string;
let cwd: string;
let running: Running;
beforeAll(async () => {
  await installTools();
  const port = await findFreePort();
  issuer = `http://127.0.0.1:${port}`;
  const env = {
    APP_PORT: String(port),
    PUBLIC_URL: issuer,
    TRUST_PROXY: "1",
    ADMIN_EMAIL: firstAdmin.email,
    ADMIN_PASSWORD: firstAdmin.password,
  };
  const services = stack.adopt(await startServices("all", env), (one) => one.stop());
  api = createApiClient(issuer);
  running = { api, admin: firstAdmin, mails: services.mails };
  cwd = await copyGuidePrograms(stack);
}, 400_000);
afterAll(() => stack.disposeAsync());

/** What a request is answered: the status, the code or the body, and the challenge of a 401. */
async function ask(url: string, init: RequestInit = {}) {
  const response = await fetch(url, init);
  const body = response.status === 204 ? null : await response.json();
  return { status: response.status, body, challenge: response.headers.get("www-authenticate"), response };
}
const bearer = (token: string, init: RequestInit = {}) => ({
  ...init,
  headers: { authorization: `Bearer ${token}`, ...(init.body != null && { "content-type": "application/json" }) },
});

/** The token with the name of another key. */
function withKeyId(token: string, kid: string): string {
  const [header = "", ...rest] = token.split(".");
  const named = { ...JSON.parse(Buffer.from(header, "base64url").toString()), kid };
  return [Buffer.from(JSON.stringify(named)).toString("base64url"), ...rest].join(".");
}

describe.each(["express", "fastify"])("the backend with %s", (name) => {
  let url: string;
  let person: Person;
  let token: string;
  beforeAll(async () => {
    url = await startProgram(stack, [process.execPath, `${name}.js`], { cwd, env: { ISSUER: issuer } });
    person = await register(running);
    token = (await signIn(running, person)).access;
  });

  test("takes the tokens of Usermesh, and keeps the notes of each user apart", async () => {
    const note = { method: "POST", body: JSON.stringify({ text: "Hello" }) };
    expect(await ask(`${url}/notes`, bearer(token, note))).toMatchObject({ status: 201, body: ["Hello"] });
    expect(await ask(`${url}/notes`, bearer(token))).toMatchObject({ status: 200, body: ["Hello"] });
    const other = await signIn(running, await register(running));
    expect(await ask(`${url}/notes`, bearer(other.access))).toMatchObject({ status: 200, body: [] });
  });

  test("refuses a missing, a changed and an unsigned token", async () => {
    expect(await ask(`${url}/notes`)).toMatchObject({ status: 401, body: { code: "token_missing" } });
    const [header = "", payload = "", signature = ""] = token.split(".");
    const claims = { ...JSON.parse(Buffer.from(payload, "base64url").toString()), sub: person.email };
    const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const unsigned = `${encoded({ alg: "none", typ: "at+jwt" })}.${payload}.`;
    for (const forged of ["x", `${header}.${encoded(claims)}.${signature}`, unsigned]) {
      const answer = await ask(`${url}/notes`, bearer(forged));
      expect(answer).toMatchObject({ status: 401, body: { code: "token_invalid" } });
      expect(answer.challenge).toContain("invalid_token");
    }
  });

  test("answers a body that is not JSON with 400", async () => {
    const answer = await ask(`${url}/notes`, bearer(token, { method: "POST", body: "{" }));
    expect(answer).toMatchObject({ status: 400, body: { code: "bad_request" } });
  });

  test("refuses users without the permission", async () => {
    expect(await ask(`${url}/admin/notes`, bearer(token))).toMatchObject({ status: 403, body: { code: "forbidden" } });
    const admin = await signIn(running, firstAdmin);
    expect((await ask(`${url}/admin/notes`, bearer(admin.access))).status).toBe(200);
  });

  test("after a sign-out, routes that ask Usermesh refuse the token at once, the others when it expires", async () => {
    await api.post("auth/logout", undefined, token);
    expect((await ask(`${url}/notes`, bearer(token))).status).toBe(200);
    const refused = await ask(`${url}/notes`, bearer(token, { method: "DELETE" }));
    expect(refused).toMatchObject({ status: 401, body: { code: "session_ended" } });
    const again = await signIn(running, person);
    expect((await ask(`${url}/notes`, bearer(again.access, { method: "DELETE" }))).status).toBe(204);
  });
});

describe("the backend for a frontend", () => {
  let url: string;
  let origin: string;
  beforeAll(async () => {
    const PORT = String(await findFreePort());
    origin = `http://127.0.0.1:${PORT}`;
    const env = { USERMESH_URL: issuer, ORIGIN: origin, PORT };
    url = await startProgram(stack, [process.execPath, "backend-for-frontend.js"], { cwd, env });
  });
  const send = (method: string, path: string, body?: object, cookie = "", from = origin) =>
    ask(url + path, {
      method,
      headers: { "content-type": "application/json", origin: from, cookie },
      ...(body && { body: JSON.stringify(body) }),
    });

  test("signs in, reads, changes and signs out for a browser that never sees a token", async () => {
    const person = newPerson();
    await register(running, person);
    const signedIn = await send("POST", "/login", person);
    expect(signedIn.body).toEqual({ email: person.email });
    const [line = ""] = signedIn.response.headers.getSetCookie();
    expect(line).toMatch(/^session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax$/);
    const cookie = line.split(";")[0] as string;

    // The token becomes stale, and the server refreshes it.
    const { access } = await signIn(running, person);
    expect((await api.post("users/me/upgrade", {}, access)).status).toBe(200);
    expect((await send("GET", "/me", undefined, cookie)).body).toEqual({ email: person.email, company: null });
    expect((await send("PATCH", "/me", { company: "Analytical Engines" }, cookie)).body).toEqual({
      company: "Analytical Engines",
    });

    expect((await send("POST", "/logout", undefined, cookie)).status).toBe(204);
    expect(await send("GET", "/me", undefined, cookie)).toMatchObject({ status: 401, body: { code: "signed_out" } });
  });

  test("answers a body that is not JSON, and a missing one, with 400", async () => {
    const headers = { origin, "content-type": "application/json" };
    for (const init of [{ headers, body: "{" }, { headers }, { headers: { origin }, body: "email" }]) {
      const answer = await ask(`${url}/login`, { method: "POST", ...init });
      expect(answer).toMatchObject({ status: 400, body: { code: "bad_request" } });
    }
  });

  test("refuses changes that a page of another site sends", async () => {
    const person = await register(running);
    const refused = await send("POST", "/login", person, "", "https://attacker.example");
    expect(refused).toMatchObject({ status: 403, body: { code: "csrf_failed" } });
  });

  test("passes on the error of a failed sign-in, and the end of a session that was ended elsewhere", async () => {
    const person = await register(running);
    const wrong = await send("POST", "/login", { ...person, password: "Wrong-password-1" });
    expect(wrong).toMatchObject({ status: 401, body: { code: "invalid_credentials" } });
    const signedIn = await send("POST", "/login", person);
    const cookie = signedIn.response.headers.getSetCookie()[0]?.split(";")[0];
    const elsewhere = await signIn(running, person);
    await api.post("auth/logout-all", undefined, elsewhere.access);
    expect(await send("GET", "/me", undefined, cookie)).toMatchObject({ status: 401, body: { code: "session_ended" } });
    expect(await send("GET", "/me", undefined, cookie)).toMatchObject({ status: 401, body: { code: "signed_out" } });
  });

  test("Usermesh sees the address of the browser", async () => {
    const person = await register(running);
    const headers = { origin, "content-type": "application/json" };
    const login = request(`${url}/login`, { method: "POST", headers, localAddress: "127.0.0.2" });
    login.end(JSON.stringify(person));
    const [response] = await once(login, "response");
    expect(response.statusCode).toBe(200);
    const { access } = await signIn(running, person);
    const { body } = await api.get("auth/sessions", access);
    const addresses: string[] = body.data.map((session: { ip: string }) => session.ip);
    expect(addresses.some((address) => address.endsWith("127.0.0.2"))).toBe(true);
  });
});

test.each<[program: string, settings: Record<string, string>, message: string]>([
  ["express.js", {}, "ISSUER is not set"],
  ["express.js", { ISSUER: "localhost" }, "but PUBLIC_URL is http://127.0.0.1"],
  ["backend-for-frontend.js", {}, "ORIGIN is not set"],
  ["backend-for-frontend.js", { ORIGIN: "http://localhost:4000" }, "USERMESH_URL is not set"],
])("%s with the settings %j says what is wrong with them", async (program, { ISSUER, ...given }, message) => {
  // The same gateway under another name.
  const env = { ...given, ...(ISSUER && { ISSUER: issuer.replace("127.0.0.1", ISSUER) }) };
  const ended = promisify(execFile)(process.execPath, [program], { cwd, env, timeout: 20_000 });
  await expect(ended).rejects.toMatchObject({ stderr: expect.stringContaining(message) });
});

const python = ["/usr/bin/python3", "python3"].find((name) => {
  try {
    execFileSync(name, ["-c", "import cryptography, jwt"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
});
if (!python) process.stderr.write("No Python with PyJWT found: the program of the guide is not run.\n");

(python ? describe : describe.skip)("the backend with Python", () => {
  test("takes the tokens of Usermesh and refuses others", async () => {
    const url = await startProgram(stack, [python as string, "check_token.py"], { cwd, env: { ISSUER: issuer } });
    const person = await register(running);
    const { access } = await signIn(running, person);
    expect(await ask(url, bearer(access))).toMatchObject({ status: 200, body: { email: person.email } });
    expect((await ask(`${url}/admin/`, bearer(access))).status).toBe(403);
    expect(await ask(url, {})).toMatchObject({ status: 401, body: { code: "token_missing" } });
    for (const token of ["x", `${access.slice(0, -9)}AAAAAAAAA`, withKeyId(access, "unknown")]) {
      expect(await ask(url, bearer(token))).toMatchObject({ status: 401, body: { code: "token_invalid" } });
    }
  });
});
