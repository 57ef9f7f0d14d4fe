import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ErrorCode } from "../../lib/actions/errors.ts";
import { beginLink, comeBack, signInBy } from "../support/data/oauth-flow.ts";
import type { MaliciousProvider } from "../support/fakes/malicious-provider.ts";
import { register, signIn } from "../support/flows/main-flow.ts";
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

beforeAll(async () => {
  installation = await startMaliciousProviderInstallation(appUrl);
  ({ usermesh, liar } = installation);
});
afterAll(() => installation.stop());

const counts = () => madeBy(installation);

/** Refused with this code, and without any new account, link or session. */
async function expectRefused(attack: () => Promise<{ status: number; body: { code?: string } }>, code: ErrorCode) {
  const before = await counts();
  expect(await attack()).toBeProblem(400, code);
  expect(await counts()).toEqual(before);
}

describe("a link", () => {
  async function signedIn() {
    const person = await register(usermesh);
    return { person, ...(await signIn(usermesh, person)) };
  }
  const identities = async (token: string) => (await usermesh.api.get("auth/identities", token)).body.data;

  test("does not take an identity from another account", async () => {
    const claims = someone();
    await signInBy(usermesh.api, "liar", liar, claims);
    const { access } = await signedIn();
    const way = await beginLink(usermesh.api, "liar", access);
    const answer = await comeBack(usermesh.api, way, { code: liar.issue(way.authorizeUrl, claims) });
    expect(answer).toBeProblem(409, "identity_taken");
    expect(await identities(access)).toEqual([]);
  });

  test("cannot be completed in a victim's browser (CSRF)", async () => {
    const { access } = await signedIn();
    const way = await beginLink(usermesh.api, "liar", access);
    await usermesh.database.query("UPDATE auth.oauth_states SET address_hash = 'elsewhere' WHERE user_id IS NOT NULL");
    const code = liar.issue(way.authorizeUrl, someone());
    await expectRefused(() => comeBack(usermesh.api, { ...way, cookie: undefined }, { code }), "oauth_state_invalid");
    expect(await identities(access)).toEqual([]);
    expect((await comeBack(usermesh.api, way, { code })).status).toBe(200);
  });

  test.each([
    ["the session that started it ends", async (access: string) => usermesh.api.post("auth/logout", undefined, access)],
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

  test("does not accept the browser's secret as a field of the body", async () => {
    const { access } = await signedIn();
    const answer = await usermesh.api.post("auth/identities/liar", { browser_binding: "x".repeat(43) }, access);
    expect([answer.status, answer.body.errors?.[0]]).toMatchObject([
      422,
      { field: "browser_binding", code: "unknown_field" },
    ]);
  });
});
