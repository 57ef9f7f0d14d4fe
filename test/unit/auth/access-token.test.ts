import { beforeEach, describe, expect, test } from "@jest/globals";
import { decodeJwt, generateKeyPair } from "jose";
import type { Actions, Call } from "../../../lib/actions/typed-call.ts";
import { readConfig } from "../../../lib/config/config.ts";
import { systemRandom } from "../../../lib/runtime/clock.ts";
import { issueAccessToken } from "../../../services/auth/sign-in/issue-access-token.ts";

type Claims = NonNullable<Actions["users.claims"]["result"]>;

const config = readConfig({ NODE_ENV: "test", ACCESS_TOKEN_EXPIRE_MINUTES: "30" });
const start = Date.parse("2026-01-01T00:00:00Z");
const { privateKey } = await generateKeyPair("ES256");
let now = start;
beforeEach(() => {
  now = start;
});

const grant = {
  session_id: "0198f7a2-6a3c-7cc1-a2f4-3b1c9d0e5f60",
  user_id: "0198f7a2-6a3c-7cc1-a2f4-3b1c9d0e5f61",
  tenant_id: "00000000-0000-7000-8000-000000000001",
  refresh_token: "",
  refresh_expires_in: 604_800,
  ver: 3,
  tver: 2,
  auth_time: start / 1_000,
  amr: ["pwd"],
};
const claims: Claims = {
  id: grant.user_id,
  tenant_id: grant.tenant_id,
  email: "ada@example.com",
  full_name: null,
  is_active: true,
  is_verified: true,
  roles: ["user", "vendor"],
  permissions: [],
  tier: "basic",
  tier_expires_at: null,
  access_token_seconds: 86_400,
};

interface SignOptions {
  readonly claims?: Partial<Claims>;
  readonly grant?: Partial<typeof grant>;
  /** Response time of users. */
  readonly ms?: number;
  readonly verifyUntil?: number;
}

async function sign({ ms = 0, verifyUntil = start + 86_400_000, ...given }: SignOptions = {}) {
  const clock = { now: () => new Date(now), monotonic: () => now };
  const call = (async () => {
    now += ms;
    return { ...claims, ...given.claims };
  }) as unknown as Call;
  const signer = {
    kid: "k",
    alg: "ES256",
    key: privateKey,
    signFrom: 0,
    signUntil: Number.POSITIVE_INFINITY,
    verifyUntil,
  };
  const signingKeys = { current: async () => signer } as never;
  const token = await issueAccessToken(
    { config, clock, random: systemRandom, signingKeys },
    { call },
    { ...grant, ...given.grant },
  );
  return { ...token, claims: decodeJwt(token.access_token) };
}

describe("an access token", () => {
  test("has an iat of when the session was granted, however long the claims take", async () => {
    const signed = await sign({ ms: 9_000 });
    expect(signed.claims).toMatchObject({
      iat: start / 1_000,
      exp: start / 1_000 + 1_800,
      ver: 3,
      tver: 2,
      role: "vendor",
    });
    expect(signed.expires_in).toBe(1_800);
  });

  test("is not signed more than 10 s after the grant", async () => {
    await expect(sign({ ms: 10_001 })).rejects.toMatchObject({ type: "service_unavailable" });
  });

  test("expires with the premium tier that it carries", async () => {
    const ends = { tier: "premium", tier_expires_at: new Date(start + 60_000).toISOString() } as const;
    expect((await sign({ claims: ends })).expires_in).toBe(60);
    expect((await sign({ claims: { ...ends, tier: "basic" } })).expires_in).toBe(1_800);
  });

  test("outlives neither its session nor its key", async () => {
    expect((await sign({ grant: { refresh_expires_in: 90 } })).expires_in).toBe(90);
    expect((await sign({ verifyUntil: start + 45_500 })).expires_in).toBe(45);
  });

  test("is refused if the account was deactivated in the meantime", async () => {
    await expect(sign({ claims: { is_active: false } })).rejects.toMatchObject({ type: "session_ended" });
  });
});
