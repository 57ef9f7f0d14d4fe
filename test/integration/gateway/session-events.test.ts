import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { newPerson, register, signIn } from "../../support/flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "../../support/start/usermesh.ts";

let usermesh: Usermesh;

beforeAll(async () => {
  usermesh = await startUsermesh();
});
afterAll(() => usermesh?.stop());

async function openEvents(token: string, method = "GET") {
  const headers = { authorization: `Bearer ${token}`, accept: "text/event-stream" };
  return fetch(`${usermesh.url}/api/v1/users/me/events`, { method, headers });
}

/** What a page receives until the stream ends. */
async function readAll(response: Response): Promise<string> {
  const text = await response.text();
  return text.replace("retry: 2000\n\n", "");
}

describe("GET /users/me/events", () => {
  test("reports that the session was ended on another device", async () => {
    const person = await register(usermesh, newPerson());
    const [page, phone] = [await signIn(usermesh, person), await signIn(usermesh, person)];
    const response = await openEvents(page.access);
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
    expect(response.headers.get("cache-control")).toBe("no-store");
    const text = readAll(response);
    await usermesh.api.delete(`auth/sessions/${page.session}`, phone.access);
    expect(await text).toMatch(/^event: session_ended\ndata: \{"code":"session_ended",.+\}\n\n$/);
    expect((await openEvents(page.access)).status).toBe(401);
  });

  test("reports that the permissions have changed", async () => {
    const person = await register(usermesh, newPerson());
    const { access } = await signIn(usermesh, person);
    const admin = await signIn(usermesh, usermesh.admin);
    const text = readAll(await openEvents(access));
    const change = await usermesh.api.patch(`admin/users/${person.id}`, { roles: ["user", "vendor"] }, admin.access);
    expect(change.status).toBe(200);
    expect(await text).toMatch(/^event: token_stale\n/);
  });

  test("needs a valid access token", async () => {
    const response = await fetch(`${usermesh.url}/api/v1/users/me/events`);
    expect([response.status, await response.json()]).toEqual([401, expect.objectContaining({ code: "token_missing" })]);
  });

  test("HEAD has the headers and no stream", async () => {
    const { access } = await signIn(usermesh, await register(usermesh, newPerson()));
    const response = await openEvents(access, "HEAD");
    expect([response.status, await response.text()]).toEqual([200, ""]);
  });

  test("an eleventh stream of a user is refused until one is closed", async () => {
    const { access } = await signIn(usermesh, await register(usermesh, newPerson()));
    const open = await Promise.all(Array.from({ length: 10 }, () => openEvents(access)));
    const refused = await openEvents(access);
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "5"]);
    await Promise.all(open.map((response) => response.body?.cancel()));
  });

  test("streams end when the node stops, and do not delay it", async () => {
    const other = await startUsermesh();
    const { access } = await signIn(other, await register(other, newPerson()));
    const headers = { authorization: `Bearer ${access}` };
    const text = readAll(await fetch(`${other.url}/api/v1/users/me/events`, { headers }));
    await other.stop();
    expect(await text).toBe("");
  });
});
