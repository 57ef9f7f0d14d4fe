import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type LyingProvider, startLyingProvider } from "../support/lying-provider.ts";
import { newPerson, register, signIn } from "../support/main-flow.ts";
import { begin, beginLink, comeBack, signInBy } from "../support/oauth-way.ts";
import { startUsermesh, type Usermesh } from "../support/usermesh.ts";

const appUrl = "https://app.example.com/signed-in";
let usermesh: Usermesh;
let liar: LyingProvider;
let other: LyingProvider;
let promising: LyingProvider;
let forging: LyingProvider;
let silent: LyingProvider;

beforeAll(async () => {
  [liar, other, promising, forging, silent] = await Promise.all([
    startLyingProvider(),
    startLyingProvider(),
    startLyingProvider({ promisesIss: true }),
    startLyingProvider({ forges: true }),
    startLyingProvider(),
  ]);
  const providers = { LIAR: liar, OTHER: other, PROMISING: promising, FORGING: forging, SILENT: silent };
  const env = Object.entries(providers).flatMap(([name, { issuer }]) => [
    [`OAUTH_${name}_ISSUER`, issuer],
    [`OAUTH_${name}_CLIENT_ID`, "usermesh"],
    [`OAUTH_${name}_CLIENT_SECRET`, "secret"],
  ]);
  usermesh = await startUsermesh({
    ...Object.fromEntries(env),
    OAUTH_SILENT_NONCE: "false",
    OAUTH_RETURN_URLS: appUrl,
  });
});
afterAll(async () => {
  await usermesh.stop();
  await Promise.all([liar, other, promising, forging, silent].map((one) => one.stop()));
});

const someone = () => ({ sub: newPerson().email, email: newPerson().email, email_verified: true });

async function counts() {
  const {
    "auth.identities": identities,
    "users.users": users,
    "sessions.sessions": sessions,
  } = await usermesh.rowCounts();
  return { identities, users, sessions };
}

/** Refused with this status and code, and nobody is made, linked or signed in. */
async function expectRefused(attack: () => Promise<{ status: number; body: { code?: string } }>, code: string) {
  const before = await counts();
  const answer = await attack();
  expect([answer.status, answer.body.code]).toEqual([400, code]);
  expect(await counts()).toEqual(before);
}

describe("the way to a provider", () => {
  test("always has PKCE by S256, a state and a nonce, fresh ones each time", async () => {
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

  test("keeps neither state, nonce, verifier nor the browser's secret in the database", async () => {
    const way = await begin(usermesh.api, "liar");
    await comeBack(usermesh.api, way, { code: liar.issue(way.authorizeUrl, someone()) });
    const rows = JSON.stringify(await usermesh.database.query("SELECT * FROM auth.oauth_states"));
    const nonce = new URL(way.authorizeUrl).searchParams.get("nonce") ?? "";
    for (const secret of [way.state, nonce, liar.verifiers.at(-1) ?? "", way.cookie?.split("=")[1] ?? ""]) {
      expect(secret).toHaveLength(43);
      expect(rows).not.toContain(secret);
    }
  });

  test("gives the browser a cookie that no script reads", async () => {
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
  ])("does not lead back to %s, which is not registered letter by letter", async (url) => {
    const answer = await usermesh.api.get(`auth/oauth/liar?return_to=${encodeURIComponent(url)}`);
    expect([answer.status, answer.body.errors?.[0]?.field]).toEqual([422, "return_to"]);
  });
});

describe("back from a provider", () => {
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

  test("of twenty that bring the same state at once, one is let in", async () => {
    const way = await begin(usermesh.api, "liar");
    const claims = someone();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => comeBack(usermesh.api, way, { code: liar.issue(way.authorizeUrl, claims) })),
    );
    expect(answers.map((one) => one.status).sort()).toEqual([200, ...Array(19).fill(400)]);
  });

  test("another browser's state is refused (login CSRF), and is still good in its own", async () => {
    const way = await begin(usermesh.api, "liar");
    const code = liar.issue(way.authorizeUrl, someone());
    const { cookie } = await begin(usermesh.api, "liar");
    for (const foreign of [cookie, undefined, "usermesh_oauth=", "usermesh_oauth=__proto__"]) {
      await expectRefused(() => comeBack(usermesh.api, { ...way, cookie: foreign }, { code }), "oauth_state_invalid");
    }
    expect((await comeBack(usermesh.api, way, { code })).status).toBe(200);
  });

  test("a browser's secret in the query does not stand in for the cookie", async () => {
    const way = await begin(usermesh.api, "liar");
    const query = { code: liar.issue(way.authorizeUrl, someone()), browser: way.cookie?.split("=")[1] ?? "" };
    await expectRefused(() => comeBack(usermesh.api, { ...way, cookie: undefined }, query), "oauth_state_invalid");
  });

  test("a state of another provider is refused (mix-up)", () =>
    expectRefused(async () => {
      const way = await begin(usermesh.api, "liar");
      return comeBack(usermesh.api, { ...way, provider: "other" }, { code: liar.issue(way.authorizeUrl, someone()) });
    }, "oauth_state_invalid"));

  test("a state after its ten minutes is refused", () =>
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

  test("a code that was issued for another state is refused, for its verifier differs", () =>
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

  test("a missing iss where the provider's metadata promise it, or another one, is refused", async () => {
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

  test("a wrong iss is refused also where nobody promised one", () =>
    expectRefused(async () => {
      const way = await begin(usermesh.api, "liar");
      return comeBack(usermesh.api, way, { code: liar.issue(way.authorizeUrl, someone()), iss: other.issuer });
    }, "oauth_failed"));

  test("a provider that is configured without nonce is asked for none and believed without", async () => {
    const way = await begin(usermesh.api, "silent");
    expect(new URL(way.authorizeUrl).searchParams.get("nonce")).toBeNull();
    expect((await comeBack(usermesh.api, way, { code: silent.issue(way.authorizeUrl, someone()) })).status).toBe(200);
  });

  test("a sub of one provider opens nothing under another", async () => {
    const claims = someone();
    const first = await signInBy(usermesh.api, "liar", liar, claims);
    const second = await signInBy(usermesh.api, "other", other, { ...someone(), sub: claims.sub });
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(second.body.data.user.id).not.toBe(first.body.data.user.id);
  });

  test("what goes wrong after the state is told at the registered address alone", async () => {
    const way = await begin(usermesh.api, "liar", `?return_to=${encodeURIComponent(appUrl)}`);
    const answer = await comeBack(usermesh.api, way, { error: "access_denied", error_description: "<script>" });
    expect([answer.status, answer.headers.get("location")]).toEqual([302, `${appUrl}?error=oauth_failed`]);
  });
});

describe("a one-time code", () => {
  async function codeFor(claims: ReturnType<typeof someone>) {
    const way = await begin(usermesh.api, "liar", `?return_to=${encodeURIComponent(appUrl)}`);
    const { headers } = await comeBack(usermesh.api, way, { code: liar.issue(way.authorizeUrl, claims) });
    return new URL(headers.get("location") ?? "").searchParams.get("code") ?? "";
  }
  const exchange = (code: string) => usermesh.api.post("auth/oauth/exchange", { code });

  test("is spent by one of twenty at once", async () => {
    const code = await codeFor(someone());
    const answers = await Promise.all(Array.from({ length: 20 }, () => exchange(code)));
    expect(answers.map((one) => one.status).sort()).toEqual([200, ...Array(19).fill(400)]);
  });

  test("is dead after a minute, and kept as a hash alone", async () => {
    const code = await codeFor(someone());
    expect(JSON.stringify(await usermesh.database.query("SELECT * FROM auth.oauth_codes"))).not.toContain(code);
    await usermesh.database.query("UPDATE auth.oauth_codes SET created_at = created_at - interval '61 seconds'");
    expect((await exchange(code)).body.code).toBe("oauth_code_invalid");
  });

  test("makes no session where everything was ended since it was issued", async () => {
    const claims = someone();
    const { access_token: token } = (await signInBy(usermesh.api, "liar", liar, claims)).body.data;
    const code = await codeFor(claims);
    expect((await usermesh.api.post("auth/logout-all", undefined, token)).status).toBe(200);
    const answer = await exchange(code);
    expect([answer.status, answer.body.code]).toEqual([401, "session_ended"]);
  });
});

describe("linking", () => {
  async function signedIn() {
    const person = await register(usermesh);
    return { person, ...(await signIn(usermesh, person)) };
  }
  const identities = async (token: string) => (await usermesh.api.get("auth/identities", token)).body.data;

  test("does not take an identity from the account that has it", async () => {
    const claims = someone();
    await signInBy(usermesh.api, "liar", liar, claims);
    const { access } = await signedIn();
    const way = await beginLink(usermesh.api, "liar", access);
    const answer = await comeBack(usermesh.api, way, { code: liar.issue(way.authorizeUrl, claims) });
    expect([answer.status, answer.body.code]).toEqual([409, "identity_taken"]);
    expect(await identities(access)).toEqual([]);
  });

  test("a link begun elsewhere is not finished by a stranger's browser (CSRF of links)", async () => {
    const { access } = await signedIn();
    const way = await beginLink(usermesh.api, "liar", access);
    await usermesh.database.query("UPDATE auth.oauth_states SET address_hash = 'elsewhere' WHERE user_id IS NOT NULL");
    const code = liar.issue(way.authorizeUrl, someone());
    await expectRefused(() => comeBack(usermesh.api, { ...way, cookie: undefined }, { code }), "oauth_state_invalid");
    expect(await identities(access)).toEqual([]);
    expect((await comeBack(usermesh.api, way, { code })).status).toBe(200);
  });

  test.each([
    ["the session that began it ends", async (access: string) => usermesh.api.post("auth/logout", undefined, access)],
    [
      "the password is changed",
      async (access: string, { password }: { password: string }) =>
        usermesh.api.post(
          "auth/change-password",
          { current_password: password, new_password: `${password}-new` },
          access,
        ),
    ],
  ])("ends when %s", async (_, end) => {
    const { access, person } = await signedIn();
    const way = await beginLink(usermesh.api, "liar", access);
    const code = liar.issue(way.authorizeUrl, someone());
    expect((await end(access, person)).status).toBe(200);
    const before = await counts();
    expect((await comeBack(usermesh.api, way, { code })).status).toBeGreaterThanOrEqual(400);
    expect((await counts()).identities).toBe(before.identities);
  });

  test("a browser's secret is no field of the body", async () => {
    const { access } = await signedIn();
    const answer = await usermesh.api.post("auth/identities/liar", { browser: "x".repeat(43) }, access);
    expect([answer.status, answer.body.errors?.[0]]).toMatchObject([422, { field: "browser", code: "unknown_field" }]);
  });
});
