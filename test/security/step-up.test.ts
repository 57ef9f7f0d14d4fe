import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { begin, signInBy } from "../support/data/oauth-flow.ts";
import type { MaliciousProvider } from "../support/fakes/malicious-provider.ts";
import { newPerson } from "../support/flows/main-flow.ts";
import {
  type MaliciousProviderInstallation,
  someone,
  startMaliciousProviderInstallation,
} from "../support/start/malicious-provider-installation.ts";
import type { Usermesh } from "../support/start/usermesh.ts";

let installation: MaliciousProviderInstallation;
let usermesh: Usermesh;
let liar: MaliciousProvider;
beforeAll(async () => {
  installation = await startMaliciousProviderInstallation("https://app.example.com/signed-in");
  ({ usermesh, liar } = installation);
});
afterAll(() => installation.stop());

const now = () => Math.floor(Date.now() / 1000);
const signInWith = (claims: object) => signInBy(usermesh.api, "liar", liar, { ...someone(), ...claims });

/** What requires a recent sign-in. */
const sensitive: Readonly<Record<string, (access: string) => Promise<{ status: number; body: { code?: string } }>>> = {
  "change the email": (access) => usermesh.api.patch("users/me", { email: newPerson().email }, access),
  "change the username": (access) =>
    usermesh.api.patch("users/me", { username: `u-${newPerson().email.slice(4, 16)}` }, access),
  "link another provider": (access) => usermesh.api.post("auth/identities/other", {}, access),
  "delete the account": (access) => usermesh.api.request("DELETE", "users/me", { body: {}, token: access }),
};

describe("a silent sign-in by a provider, whose user is at an unlocked browser", () => {
  test.each([
    ["30 days ago", () => ({ auth_time: now() - 30 * 86_400 })],
    ["six minutes ago", () => ({ auth_time: now() - 360 })],
    ["at an unknown time", () => ({})],
    ["in 1970", () => ({ auth_time: 0 })],
  ])("authenticated %s is not recent: it can do nothing that requires a recent sign-in", async (_, claims) => {
    const access = (await signInWith(claims())).body.data.access_token;
    for (const [what, attempt] of Object.entries(sensitive)) {
      const { status, body } = await attempt(access);
      expect([what, status, body.code]).toEqual([what, 401, "step_up_required"]);
    }
  });

  test.each(["2026-01-01", [now()], { at: 1 }, -1, now() + 3_600, Number.MAX_SAFE_INTEGER])(
    "with the auth_time %j is refused",
    async (auth_time) => expect(await signInWith({ auth_time })).toBeProblem(400, "oauth_failed"),
  );

  test("is still not recent after a refresh", async () => {
    const { refresh_token } = (await signInWith({ auth_time: now() - 3_600 })).body.data;
    const { body } = await usermesh.api.post("auth/refresh", { refresh_token });
    const { status } = await usermesh.api.post("auth/identities/other", {}, body.data.access_token);
    expect(status).toBe(401);
  });
});

describe("a step-up sign-in by a provider", () => {
  test("asks the provider to authenticate the person again", async () => {
    const asked = async (query: string) =>
      new URL((await begin(usermesh.api, "liar", query)).authorizeUrl).searchParams;
    const [usual, stepUp] = [await asked(""), await asked("?step_up=true")];
    expect([usual.get("max_age"), usual.get("prompt")]).toEqual([null, null]);
    expect([stepUp.get("max_age"), stepUp.get("prompt")]).toEqual(["0", "login"]);
  });

  test("is recent from the time that the provider reports", async () => {
    const access = (await signInWith({ auth_time: now() - 10 })).body.data.access_token;
    const payload = JSON.parse(Buffer.from(access.split(".")[1], "base64url").toString());
    expect(now() - payload.auth_time).toBeGreaterThanOrEqual(10);
    for (const [what, attempt] of Object.entries(sensitive))
      expect([what, (await attempt(access)).status]).toEqual([what, 200]);
  });
});
