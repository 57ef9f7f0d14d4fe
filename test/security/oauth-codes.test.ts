import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { begin, comeBack, newPkce, signInBy } from "../support/data/oauth-flow.ts";
import type { MaliciousProvider } from "../support/fakes/malicious-provider.ts";
import {
  type MaliciousProviderInstallation,
  someone,
  startMaliciousProviderInstallation,
} from "../support/start/malicious-provider-installation.ts";
import type { Usermesh } from "../support/start/usermesh.ts";

/** A native app, whose scheme another app on the device may have registered too. */
const appUrl = "com.example.app:/signed-in";
let installation: MaliciousProviderInstallation;
let usermesh: Usermesh;
let liar: MaliciousProvider;

beforeAll(async () => {
  installation = await startMaliciousProviderInstallation(appUrl);
  ({ usermesh, liar } = installation);
});
afterAll(() => installation.stop());

const startQuery = (more = "") => `?return_to=${encodeURIComponent(appUrl)}${more}`;

/** The code that a browser is sent to the app with, and the browser's cookie. */
async function codeFor(claims: ReturnType<typeof someone>, more = "") {
  const way = await begin(usermesh.api, "liar", startQuery(more));
  const { headers } = await comeBack(usermesh.api, way, { code: liar.issue(way.authorizeUrl, claims) });
  const params = new URL(headers.get("location") ?? "").searchParams;
  return { code: params.get("code") ?? "", state: params.get("state"), cookie: way.cookie ?? "" };
}
const exchange = (body: object, cookie?: string) =>
  usermesh.api.request("POST", "auth/oauth/exchange", { body, headers: cookie === undefined ? {} : { cookie } });
const refused = [400, "oauth_code_invalid"] as const;

describe("a one-time code that an attacker has intercepted", () => {
  const { verifier, query } = newPkce();
  const other = newPkce().verifier;

  test("of a client without PKCE works only in the browser that visited the provider", async () => {
    const { code, cookie } = await codeFor(someone());
    const foreign = (await begin(usermesh.api, "liar")).cookie;
    for (const stolen of [undefined, "usermesh_oauth=", "usermesh_oauth=x", foreign])
      expect(await exchange({ code }, stolen)).toBeProblem(...refused);
    expect((await exchange({ code }, cookie)).status).toBe(200);
  });

  test.each([
    ["without the verifier", {}],
    ["with another verifier", { code_verifier: other }],
    ["with the challenge as the verifier", { code_verifier: new URLSearchParams(query).get("code_challenge") }],
  ])(
    "is refused %s, even in the browser that visited the provider, and stays valid for the client",
    async (_, body) => {
      const { code, cookie } = await codeFor(someone(), `&${query}`);
      expect(await exchange({ code, ...body }, cookie)).toBeProblem(...refused);
      expect(await exchange({ code, ...body })).toBeProblem(...refused);
      expect((await exchange({ code, code_verifier: verifier })).status).toBe(200);
    },
  );

  test("is refused with a verifier if the challenge was removed from the start (PKCE downgrade)", async () => {
    const { code, cookie } = await codeFor(someone());
    expect(await exchange({ code, code_verifier: verifier }, cookie)).toBeProblem(...refused);
  });

  test("and is used a second time ends the session of the first use", async () => {
    const { code } = await codeFor(someone(), `&${query}`);
    const first = await exchange({ code, code_verifier: verifier });
    const token = first.body.data.access_token;
    expect((await usermesh.api.get("users/me", token)).status).toBe(200);
    expect(await exchange({ code })).toBeProblem(...refused);
    expect(await usermesh.api.get("users/me", token)).toBeProblem(401, "session_ended");
  });

  test("and is used twenty times at once leaves no session", async () => {
    const claims = someone();
    const { code } = await codeFor(claims, `&${query}`);
    const answers = await Promise.all(Array.from({ length: 20 }, () => exchange({ code, code_verifier: verifier })));
    expect(answers.filter((one) => one.status === 200).length).toBeLessThanOrEqual(1);
    for (const { status, body } of answers)
      if (status === 200) expect((await usermesh.api.get("users/me", body.data.access_token)).status).toBe(401);
    const [live] = await usermesh.database.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM sessions.sessions s JOIN users.users u ON u.id = s.user_id
       WHERE u.email = $1 AND s.revoked_at IS NULL`,
      [claims.email],
    );
    expect(live?.n).toBe(0);
  });
});

describe("the start of a sign-in for a client", () => {
  test("returns the client's state with the code and with an error, so that a forced sign-in is recognized", async () => {
    const state = "mine &=#?%";
    const more = `&state=${encodeURIComponent(state)}`;
    expect((await codeFor(someone(), more)).state).toBe(state);
    const way = await begin(usermesh.api, "liar", startQuery(more));
    const { headers } = await comeBack(usermesh.api, way, { error: "access_denied" });
    expect(Object.fromEntries(new URL(headers.get("location") ?? "").searchParams)).toEqual({
      error: "oauth_failed",
      state,
    });
  });

  const challenge = newPkce().query;
  test.each([
    ["code_challenge_method", challenge.replace("S256", "plain")],
    ["code_challenge_method", challenge.replace(/&.*/, "")],
    ["code_challenge_method", "code_challenge_method=S256"],
    ["code_challenge", "code_challenge=short&code_challenge_method=S256"],
    ["state", `state=${"x".repeat(501)}`],
    ["state", "state=%0d%0aSet-Cookie:x"],
  ])("refuses the %s of %s", async (field, query) => {
    const answer = await usermesh.api.get(`auth/oauth/liar${startQuery(`&${query}`)}`);
    expect([answer.status, answer.body.errors?.[0]?.field]).toEqual([422, field]);
  });
});

describe("a one-time code", () => {
  test("expires after a minute, and is stored only as a hash", async () => {
    const { code, cookie } = await codeFor(someone());
    expect(JSON.stringify(await usermesh.database.query("SELECT * FROM auth.oauth_codes"))).not.toContain(code);
    await usermesh.database.query("UPDATE auth.oauth_codes SET created_at = created_at - interval '61 seconds'");
    expect(await exchange({ code }, cookie)).toBeProblem(...refused);
  });

  test("creates no session if all sessions were ended since it was issued", async () => {
    const claims = someone();
    const { access_token: token } = (await signInBy(usermesh.api, "liar", liar, claims)).body.data;
    const { code, cookie } = await codeFor(claims);
    expect((await usermesh.api.post("auth/logout-all", undefined, token)).status).toBe(200);
    expect(await exchange({ code }, cookie)).toBeProblem(401, "session_ended");
  });
});
