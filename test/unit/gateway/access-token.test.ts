import { createHmac } from "node:crypto";
import { beforeAll, describe, expect, test } from "@jest/globals";
import { exportJWK, exportSPKI, generateKeyPair, type JWTHeaderParameters, SignJWT } from "jose";
import { AppError } from "../../../lib/actions/errors.ts";
import type { Clock } from "../../../lib/runtime/clock.ts";
import { type AccessTokens, createAccessTokens } from "../../../services/gateway/auth/access-token.ts";
import { createPublishedKeys, type PublishedKey } from "../../../services/gateway/auth/published-keys.ts";

const issuer = "https://mesh.example.com";
const ids = {
  sub: "0198f7a2-6a3c-7cc1-a2f4-3b1c9d0e5f60",
  sid: "0198f7a2-6a3c-7cc1-a2f4-3b1c9d0e5f61",
  tid: "00000000-0000-7000-8000-000000000001",
};
const grants = { ver: 1, tver: 1, roles: ["user"], permissions: [], tier: "basic", amr: ["pwd"] };
const start = Date.parse("2026-11-20T12:00:00Z");
const seconds = start / 1_000;

let now = start;
const clock: Clock = { now: () => new Date(now), monotonic: () => now };
const timers = { after: () => () => undefined, sleep: async () => undefined };
let pair: Awaited<ReturnType<typeof generateKeyPair>>;
let other: Awaited<ReturnType<typeof generateKeyPair>>;
let publicJwk: PublishedKey;
let asked = 0;

function gate(fetchKeys = async () => ({ keys: [publicJwk] })): AccessTokens {
  const keys = createPublishedKeys({
    clock,
    timers,
    onFailure: () => undefined,
    fetchKeys: () => {
      asked++;
      return fetchKeys();
    },
  });
  return createAccessTokens({ keys, clock, issuer, audience: issuer });
}

const good = {
  ...ids,
  ...grants,
  auth_time: seconds,
  jti: "j",
  iat: seconds,
  exp: seconds + 1_800,
  iss: issuer,
  aud: issuer,
};

function sign(claims: object = {}, header: object = {}, key = pair.privateKey): Promise<string> {
  const protectedHeader = { alg: "ES256", typ: "at+jwt", kid: "key1", ...header } as JWTHeaderParameters;
  return new SignJWT(JSON.parse(JSON.stringify({ ...good, ...claims }))).setProtectedHeader(protectedHeader).sign(key);
}

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
const codeOf = async (tokens: AccessTokens, token: string) => {
  try {
    await tokens.verify(token);
    return "accepted";
  } catch (error) {
    return error instanceof AppError ? error.type : error;
  }
};

beforeAll(async () => {
  pair = await generateKeyPair("ES256", { extractable: true });
  other = await generateKeyPair("ES256", { extractable: true });
  publicJwk = { ...(await exportJWK(pair.publicKey)), kid: "key1", use: "sig", alg: "ES256" } as PublishedKey;
});

describe("access token", () => {
  test("a valid token yields its caller", async () => {
    const checked = await gate().verify(await sign());
    expect(checked.caller).toEqual({
      kind: "user",
      user_id: ids.sub,
      home_tenant_id: ids.tid,
      tenant_id: ids.tid,
      session_id: ids.sid,
      roles: ["user"],
      permissions: [],
      tier: "basic",
      auth_time: seconds,
      expires_at: (seconds + 1_800) * 1_000,
    });
  });

  test("before any keys were fetched, each request asks for them", async () => {
    let isUp = false;
    const tokens = gate(async () => {
      if (!isUp) throw new Error("auth is starting");
      return { keys: [publicJwk] };
    });
    expect(await codeOf(tokens, await sign())).toBe("service_unavailable");
    isUp = true;
    expect(await codeOf(tokens, await sign())).toBe("accepted");
  });

  const hmac = async () => {
    const input = `${part({ alg: "HS256", typ: "at+jwt", kid: "key1" })}.${part(good)}`;
    return `${input}.${createHmac("sha256", await exportSPKI(pair.publicKey))
      .update(input)
      .digest("base64url")}`;
  };
  const attacks: Array<[name: string, token: () => Promise<string> | string]> = [
    ["alg none", () => `${part({ alg: "none", typ: "at+jwt", kid: "key1" })}.${part(good)}.`],
    ["HS256 with the public key", hmac],
    ["a signature by another key under a known kid", () => sign({}, {}, other.privateKey)],
    ["an unknown kid", () => sign({}, { kid: "key2" })],
    ["an unknown kid and no expiry", () => sign({ exp: undefined }, { kid: "key2" })],
    ["an unknown kid and no payload", () => `${part({ alg: "ES256", typ: "at+jwt", kid: "key2" })}.${part(1)}.AAAA`],
    ["expired, with a signature by another key", () => sign({ exp: seconds - 1 }, {}, other.privateKey)],
    ["no kid", () => sign({}, { kid: undefined })],
    ["SQL in the kid", () => sign({}, { kid: "' OR 1=1 --" })],
    ["a path in the kid", () => sign({}, { kid: "../../dev/null" })],
    ["jku", () => sign({}, { jku: "http://127.0.0.1:9/keys" })],
    ["x5u", () => sign({}, { x5u: "http://127.0.0.1:9/cert" })],
    ["a key embedded in the header", async () => sign({}, { jwk: await exportJWK(other.publicKey) }, other.privateKey)],
    ["a wrong issuer", () => sign({ iss: "https://evil.example.com" })],
    ["no issuer", () => sign({ iss: undefined })],
    ["a wrong audience", () => sign({ aud: "https://other.example.com" })],
    ["no audience", () => sign({ aud: undefined })],
    ["a wrong type", () => sign({}, { typ: "JWT" })],
    ["no type", () => sign({}, { typ: undefined })],
    ["not yet valid", () => sign({ nbf: seconds + 60 })],
    ["no expiry", () => sign({ exp: undefined })],
    ["no user", () => sign({ sub: undefined })],
    ["no session", () => sign({ sid: undefined })],
    ["permissions that are not a list", () => sign({ permissions: "users:write" })],
    [
      "a changed payload",
      async () => {
        const [head, , mac] = (await sign()).split(".");
        return `${head}.${part({ ...good, roles: ["admin"] })}.${mac}`;
      },
    ],
    ["four parts", async () => `${await sign()}.x`],
    ["padding", async () => `${await sign()}=`],
    ["a space inside", async () => (await sign()).replace(".", ". ")],
    ["not a token", () => "x"],
    ["9,000 characters", () => "a".repeat(9_000)],
  ];

  test.each(attacks)("%s is refused", async (_, token) => {
    expect(await codeOf(gate(), await token())).toBe("token_invalid");
  });

  test("any other last character is refused, even one that decodes to the same bytes", async () => {
    const token = await sign();
    const tokens = gate();
    const last = token.at(-1);
    const others = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"].filter(
      (one) => one !== last,
    );
    const codes = await Promise.all(others.map((one) => codeOf(tokens, token.slice(0, -1) + one)));
    expect(new Set(codes)).toEqual(new Set(["token_invalid"]));
  });

  test("an expired token is reported as expired, even if it was remembered", async () => {
    now = start;
    const tokens = gate();
    const token = await sign();
    expect(await codeOf(tokens, token)).toBe("accepted");
    now = start + 1_800_000;
    expect(await codeOf(tokens, token)).toBe("token_expired");
    expect(await codeOf(tokens, token)).toBe("token_expired");
    now = start;
  });

  test("a token whose key has been removed is expired, not invalid", async () => {
    expect(await codeOf(gate(), await sign({ exp: seconds - 61 }, { kid: "forgotten" }))).toBe("token_expired");
  });

  test("a remembered token is accepted without another verification", async () => {
    const tokens = gate();
    const token = await sign();
    await tokens.verify(token);
    expect(tokens.verify(token)).not.toBeInstanceOf(Promise);
    expect(tokens.stats).toEqual({ hits: 1, misses: 1 });
  });

  test.each(["RS256", "EdDSA"] as const)("a %s key verifies its own algorithm only", async (alg) => {
    const keyPair = await generateKeyPair(alg, { extractable: true });
    const jwk = { ...(await exportJWK(keyPair.publicKey)), kid: "key2", use: "sig", alg } as PublishedKey;
    const tokens = gate(async () => ({ keys: [publicJwk, jwk] }));
    expect(await codeOf(tokens, await sign({}, { alg, kid: "key2" }, keyPair.privateKey))).toBe("accepted");
    expect(await codeOf(tokens, await sign({}, { alg, kid: "key1" }, keyPair.privateKey))).toBe("token_invalid");
    expect(await codeOf(tokens, await sign({}, { kid: "key2" }))).toBe("token_invalid");
  });

  test("unknown kids refresh the keys at most once a second", async () => {
    const tokens = gate();
    asked = 0;
    for (let index = 0; index < 50; index++) await codeOf(tokens, await sign({}, { kid: `other${index}` }));
    expect(asked).toBe(1);
    now += 1_000;
    await codeOf(tokens, await sign({}, { kid: "one-more" }));
    expect(asked).toBe(2);
    now = start;
  });

  test("503 instead of 401 until the keys are known", async () => {
    const tokens = gate(async () => {
      throw new Error("auth is unavailable");
    });
    expect(await codeOf(tokens, await sign())).toBe("service_unavailable");
  });
});
