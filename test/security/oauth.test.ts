import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ErrorCode } from "../../lib/actions/errors.ts";
import { begin, comeBack, signInBy } from "../support/data/oauth-flow.ts";
import type { MaliciousProvider } from "../support/fakes/malicious-provider.ts";
import {
  type MaliciousProviderInstallation,
  madeBy,
  someone,
  startMaliciousProviderInstallation,
} from "../support/start/malicious-provider-installation.ts";
import type { Usermesh } from "../support/start/usermesh.ts";

const appUrl = "https://app.example.com/signed-in";
let installation: MaliciousProviderInstallation;
let usermesh: Usermesh;
let liar: MaliciousProvider;
let other: MaliciousProvider;
let promising: MaliciousProvider;
let forging: MaliciousProvider;
let silent: MaliciousProvider;

beforeAll(async () => {
  installation = await startMaliciousProviderInstallation(appUrl);
  ({ usermesh, liar, other, promising, forging, silent } = installation);
});
afterAll(() => installation.stop());

const counts = () => madeBy(installation);

/** Refused with this code, and without any new account, link or session. */
async function expectRefused(attack: () => Promise<{ status: number; body: { code?: string } }>, code: ErrorCode) {
  const before = await counts();
  expect(await attack()).toBeProblem(400, code);
  expect(await counts()).toEqual(before);
}

describe("an authorization request", () => {
  test("has PKCE with S256, a state and a nonce, all new each time", async () => {
    const [first, second] = [await begin(usermesh.api, "liar"), await begin(usermesh.api, "liar")];
    for (const way of [first, second]) {
      const asked = new URL(way.authorizeUrl).searchParams;
      expect(asked.get("code_challenge_method")).toBe("S256");
      for (const name of ["state", "nonce", "code_challenge"]) expect(asked.get(name)).toMatch(/^[\w-]{43}$/);
    }
    expect(new URL(first.authorizeUrl).searchParams.get("nonce")).not.toBe(
      new URL(second.authorizeUrl).searchParams.get("nonce"),
    );
  });

  test("stores neither state, nonce, verifier nor the browser's secret in the database", async () => {
    const way = await begin(usermesh.api, "liar");
    await comeBack(usermesh.api, way, { code: liar.issue(way.authorizeUrl, someone()) });
    const rows = JSON.stringify(await usermesh.database.query("SELECT * FROM auth.oauth_states"));
    const nonce = new URL(way.authorizeUrl).searchParams.get("nonce") ?? "";
    for (const secret of [way.state, nonce, liar.verifiers.at(-1) ?? "", way.cookie?.split("=")[1] ?? ""]) {
      expect(secret).toHaveLength(43);
      expect(rows).not.toContain(secret);
    }
  });

  test("sets a cookie that scripts cannot read", async () => {
    const answer = await usermesh.api.get("auth/oauth/liar");
    expect(answer.headers.getSetCookie()[0]).toMatch(
      /^usermesh_oauth=[\w-]{43}; Max-Age=600; Path=\/; HttpOnly; SameSite=Lax$/,
    );
  });

  test.each([
    `${appUrl}/`,
    `${appUrl}?x=1`,
    "https://app.example.com.evil.example/signed-in",
    "//evil.example",
    "javascript:alert(1)",
  ])("cannot have the return_to %s, which is not exactly a registered one", async (url) => {
    const answer = await usermesh.api.get(`auth/oauth/liar?return_to=${encodeURIComponent(url)}`);
    expect([answer.status, answer.body.errors?.[0]?.field]).toEqual([422, "return_to"]);
  });
});

describe("a callback", () => {
  test("a missing state is refused", () =>
    expectRefused(async () => {
      const way = await begin(usermesh.api, "liar");
      return comeBack(usermesh.api, { ...way, state: "" }, { code: liar.issue(way.authorizeUrl, someone()) });
    }, "oauth_state_invalid"));

  test("a replayed state is refused", async () => {
    const way = await begin(usermesh.api, "liar");
    const claims = someone();
    expect((await comeBack(usermesh.api, way, { code: liar.issue(way.authorizeUrl, claims) })).status).toBe(200);
    const again = () => comeBack(usermesh.api, way, { code: liar.issue(way.authorizeUrl, claims) });
    await expectRefused(again, "oauth_state_invalid");
  });

  test("of twenty requests with the same state at once, one succeeds", async () => {
    const way = await begin(usermesh.api, "liar");
    const claims = someone();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => comeBack(usermesh.api, way, { code: liar.issue(way.authorizeUrl, claims) })),
    );
    expect(answers.map((one) => one.status).sort()).toEqual([200, ...Array(19).fill(400)]);
  });

  test("another browser's state is refused (login CSRF), and remains valid in that browser", async () => {
    const way = await begin(usermesh.api, "liar");
    const code = liar.issue(way.authorizeUrl, someone());
    const { cookie } = await begin(usermesh.api, "liar");
    for (const foreign of [cookie, undefined, "usermesh_oauth=", "usermesh_oauth=__proto__"]) {
      await expectRefused(() => comeBack(usermesh.api, { ...way, cookie: foreign }, { code }), "oauth_state_invalid");
    }
    expect((await comeBack(usermesh.api, way, { code })).status).toBe(200);
  });

  test("the browser's secret in the query does not replace its cookie", async () => {
    const way = await begin(usermesh.api, "liar");
    const query = { code: liar.issue(way.authorizeUrl, someone()), browser_binding: way.cookie?.split("=")[1] ?? "" };
    await expectRefused(() => comeBack(usermesh.api, { ...way, cookie: undefined }, query), "oauth_state_invalid");
  });

  test("a state of another provider is refused (mix-up)", () =>
    expectRefused(async () => {
      const way = await begin(usermesh.api, "liar");
      return comeBack(usermesh.api, { ...way, provider: "other" }, { code: liar.issue(way.authorizeUrl, someone()) });
    }, "oauth_state_invalid"));

  test("a state is refused after ten minutes", () =>
    expectRefused(async () => {
      const way = await begin(usermesh.api, "liar");
      await usermesh.database.query(
        "UPDATE auth.oauth_states SET created_at = created_at - interval '10 minutes 1 second'",
      );
      return comeBack(usermesh.api, way, { code: liar.issue(way.authorizeUrl, someone()) });
    }, "oauth_state_invalid"));

  test("another provider's code is refused", () =>
    expectRefused(async () => {
      const way = await begin(usermesh.api, "liar");
      return comeBack(usermesh.api, way, { code: other.issue(way.authorizeUrl, someone()) });
    }, "oauth_failed"));

  test("a code of another state is refused, because its verifier differs", () =>
    expectRefused(async () => {
      const [way, victim] = [await begin(usermesh.api, "liar"), await begin(usermesh.api, "liar")];
      return comeBack(usermesh.api, way, { code: liar.issue(victim.authorizeUrl, someone()) });
    }, "oauth_failed"));

  test("a replayed code is refused", async () => {
    const way = await begin(usermesh.api, "liar");
    const code = liar.issue(way.authorizeUrl, someone());
    expect((await comeBack(usermesh.api, way, { code })).status).toBe(200);
    const next = await begin(usermesh.api, "liar");
    await expectRefused(() => comeBack(usermesh.api, next, { code }), "oauth_failed");
  });

  test.each([
    ["a wrong nonce", { nonce: "x".repeat(43) }],
    ["no nonce", { nonce: undefined }],
    ["another client's audience", { aud: "somebody-else" }],
    ["another issuer", { iss: "https://accounts.google.com" }],
  ])("an ID token with %s is refused", (_, lie) =>
    expectRefused(() => signInBy(usermesh.api, "liar", liar, { ...someone(), ...lie }), "oauth_failed"),
  );

  test("an ID token under a key that is not the provider's is refused", () =>
    expectRefused(() => signInBy(usermesh.api, "forging", forging, someone()), "oauth_failed"));

  test("a missing or wrong iss is refused if the provider's metadata promise it", async () => {
    for (const query of [{}, { iss: liar.issuer }]) {
      await expectRefused(async () => {
        const way = await begin(usermesh.api, "promising");
        return comeBack(usermesh.api, way, { code: promising.issue(way.authorizeUrl, someone()), ...query });
      }, "oauth_failed");
    }
    const way = await begin(usermesh.api, "promising");
    const query = { code: promising.issue(way.authorizeUrl, someone()), iss: promising.issuer };
    expect((await comeBack(usermesh.api, way, query)).status).toBe(200);
  });

  test("a wrong iss is refused even if the metadata do not promise it", () =>
    expectRefused(async () => {
      const way = await begin(usermesh.api, "liar");
      return comeBack(usermesh.api, way, { code: liar.issue(way.authorizeUrl, someone()), iss: other.issuer });
    }, "oauth_failed"));

  test("a provider configured without nonce is not sent one, and its tokens need none", async () => {
    const way = await begin(usermesh.api, "silent");
    expect(new URL(way.authorizeUrl).searchParams.get("nonce")).toBeNull();
    expect((await comeBack(usermesh.api, way, { code: silent.issue(way.authorizeUrl, someone()) })).status).toBe(200);
  });

  test("a sub of one provider does not sign in at another", async () => {
    const claims = someone();
    const first = await signInBy(usermesh.api, "liar", liar, claims);
    const second = await signInBy(usermesh.api, "other", other, { ...someone(), sub: claims.sub });
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(second.body.data.user.id).not.toBe(first.body.data.user.id);
  });

  test("errors after the state was verified go only to the registered address", async () => {
    const way = await begin(usermesh.api, "liar", `?return_to=${encodeURIComponent(appUrl)}`);
    const answer = await comeBack(usermesh.api, way, { error: "access_denied", error_description: "<script>" });
    expect([answer.status, answer.headers.get("location")]).toEqual([302, `${appUrl}?error=oauth_failed`]);
  });
});
