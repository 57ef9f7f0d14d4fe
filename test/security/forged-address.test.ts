import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { vendorOf, verdict } from "../support/data/tenants.ts";
import { eventually } from "../support/eventually.ts";
import { register } from "../support/flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "../support/start/usermesh.ts";

/** [ASVS V4.1.3] No proxy is trusted, so every header about the client's address can be forged. */
let usermesh: Usermesh;
beforeAll(async () => {
  usermesh = await startUsermesh({
    RATE_LIMIT_ENABLED: "true",
    RATE_LIMIT_REGISTER: "1000/60",
    RATE_LIMIT_LOGIN: "1000/60",
    RATE_LIMIT_MAIL: "4/60",
  });
});
afterAll(() => usermesh.stop());

/** The headers that proxies use for the client's address. */
const saying = (ip: string): Record<string, string> => ({
  "x-forwarded-for": `${ip}, 10.0.0.1`,
  "x-real-ip": ip,
  forwarded: `for=${ip};proto=https`,
  "x-client-ip": ip,
  "cf-connecting-ip": ip,
  "true-client-ip": ip,
  "x-cluster-client-ip": ip,
  "x-originating-ip": ip,
});

const wrong = "Wrong-horse-7-staple";
const address = (n: number) => `198.51.100.${n}`;
const login = (email: string, password: string, n: number) =>
  usermesh.api.request("POST", "auth/login", { body: { email, password }, headers: saying(address(n)) });

describe("a client that forges a different address each time", () => {
  test("is still throttled after 10 failed logins", async () => {
    const person = await register(usermesh);
    const seen: string[] = [];
    for (let n = 0; n < 11; n += 1) seen.push(verdict(await login(person.email, wrong, n)));
    expect(seen.slice(9)).toEqual(["401 invalid_credentials", "429 too_many_attempts"]);
  });

  test("has one rate limit for all paths of a route", async () => {
    const paths = ["auth/password-reset-request", "/api/reset-password", "auth/password-reset-request/"];
    const seen: string[] = [];
    for (let n = 0; n < 5; n += 1) {
      const options = { body: { email: "nobody@example.com" }, headers: saying(address(n)) };
      const answer = await usermesh.api.request("POST", paths[n % 3] as string, options);
      seen.push(`${verdict(answer)} ${Number(answer.headers.get("retry-after")) > 0}`);
    }
    expect(seen).toEqual([...Array(4).fill("202 ok false"), "429 rate_limited true"]);
  });

  test("appears with its real address in sessions and logs", async () => {
    const person = await register(usermesh);
    const { body } = await login(person.email, person.password, 77);
    const { data: sessions } = (await usermesh.api.get("auth/sessions", body.data.access_token)).body;
    expect(sessions.map((one: { ip: string }) => one.ip)).toEqual(["127.0.0.1"]);
    await login(person.email, wrong, 78);
    const admin = await vendorOf(usermesh);
    const entry = await eventually("the refused sign-in in the log", async () => {
      const page = await usermesh.api.get(`admin/users/${person.id}/activity?action=sign_in.refused`, admin);
      return page.body.data[0];
    });
    expect(entry.ip).toBe("127.0.0.1");
    expect(JSON.stringify(await usermesh.database.query("SELECT * FROM admin.activity"))).not.toContain(address(78));
  });

  test.each(["x-forwarded-for", "forwarded", "x-real-ip", "via"])(
    "is not a loopback client if its %s shows a proxy: metrics stay closed",
    async (name) => {
      for (const path of ["/metrics", "/db/status"]) {
        const answer = await usermesh.api.request("GET", path, { headers: { [name]: "127.0.0.1" } });
        expect([path, answer.status]).toEqual([path, 401]);
      }
    },
  );
});
