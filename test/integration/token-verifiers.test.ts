import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { decodeProtectedHeader } from "jose";
import { type ApiClient, createApiClient } from "../support/clients/api-client.ts";
import { eventually } from "../support/eventually.ts";
import { newPerson, register, signIn } from "../support/flows/main-flow.ts";
import { createTestDatabase, type TestDatabase } from "../support/start/database.ts";
import { startServices } from "../support/start/services.ts";
import { installTools, runTool } from "../support/start/tools.ts";

const publicUrl = "http://127.0.0.1:1";
const [oldest, middle, newest] = ["EdDSA", "RS256", "ES256"] as const;

let database: TestDatabase;
beforeAll(async () => {
  [database] = await Promise.all([createTestDatabase(), installTools()]);
}, 400_000);
afterAll(() => database?.drop());

async function startWith(algorithm: string) {
  const env = { DATABASE_URL: database.url, SIGNING_ALGORITHM: algorithm, PUBLIC_URL: publicUrl };
  const running = await startServices("all", env);
  await running.as("worker-maintenance", "auth.rotateKeys", {});
  // This stands for the hour in which the new key is only published.
  await database.query(`UPDATE auth.signing_keys SET sign_until = CASE WHEN alg = '${algorithm}' THEN sign_until ELSE now() END,
    sign_from = least(sign_from, now()) WHERE sign_until > now()`);
  const api = createApiClient(running.url);
  return { ...running, admin: { email: "", password: "" }, api, [Symbol.asyncDispose]: running.stop };
}

const me = ({ api }: { readonly api: ApiClient }, token = "") => api.get("users/me", token);

describe("while the algorithm of access tokens changes", () => {
  const tokens: Record<string, string> = {};
  let userId: string;
  let metadata: readonly object[];
  let verified: Readonly<Record<string, Readonly<Record<string, string>>>>;

  beforeAll(async () => {
    const person = newPerson();
    for (const algorithm of [oldest, middle, newest]) {
      await using running = await startWith(algorithm);
      if (algorithm === oldest) userId = (await register(running, person)).id;
      tokens[algorithm] = (await signIn(running, person)).access;
      // A key is published an hour before it signs; here it is not, and the gateway asks for unknown keys only now and then.
      await eventually("the new key at the gateway", async () => (await me(running, tokens[algorithm])).status === 200);
      for (const token of Object.values(tokens)) expect((await me(running, token)).status).toBe(200);
      if (algorithm !== newest) continue;
      const env = { USERMESH_URL: running.url, ISSUER: publicUrl, TOKENS: JSON.stringify(tokens) };
      const documents = ["openid-configuration", "oauth-authorization-server"].map(
        async (name) => (await running.api.get(`/.well-known/${name}`)).body,
      );
      metadata = await Promise.all(documents);
      verified = JSON.parse(await runTool(["verify-tokens.js"], env));
    }
  }, 120_000);

  test("each sign-in gets a token of the algorithm that is set, and earlier tokens keep working", () => {
    for (const [algorithm, token] of Object.entries(tokens)) expect(decodeProtectedHeader(token).alg).toBe(algorithm);
  });

  test.each([middle, newest])("%s tokens are verified by jose, jsonwebtoken, fast-jwt and express-jwt", (algorithm) => {
    expect(verified[algorithm]).toEqual({
      jose: userId,
      jsonwebtoken: userId,
      "fast-jwt": userId,
      "express-jwt": userId,
    });
  });

  test("both discovery documents name the issuer and the keys, and no grant that does not exist", () => {
    const expected = { issuer: publicUrl, jwks_uri: `${publicUrl}/.well-known/jwks.json`, grant_types_supported: [] };
    expect(metadata).toEqual([expect.objectContaining(expected), expect.objectContaining(expected)]);
  });

  test("EdDSA tokens are verified by jose and fast-jwt", () => {
    expect(verified[oldest]).toMatchObject({ jose: userId, "fast-jwt": userId });
  });
});
