import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { exportJWK, exportSPKI, generateKeyPair, importJWK, type JWTHeaderParameters, SignJWT } from "jose";
import { parseKeyRing } from "../../lib/crypto/key-ring.ts";
import { vendorOf, verdict } from "../support/data/tenants.ts";
import { linkToken, mailTo, newPerson, register, signIn } from "../support/flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "../support/start/usermesh.ts";

/** [RFC 8725 3.1-3.12, V9.1, 9.2] Forgeries are signed with the installation's own key, so that each has a single flaw. */
type Keys = Awaited<ReturnType<typeof generateKeyPair>>;
const secretKey = `k1:${"secret-of-the-tokens-".repeat(3)}`;
let usermesh: Usermesh;
let trap: Server;
let trapped = 0;
let trapUrl = "";
let refresh = "";
let good = "";
let ours: { readonly kid: string; readonly privateKey: Keys["privateKey"]; readonly publicKey: Keys["publicKey"] };
let theirs: Keys;
let vendor = "";

beforeAll(async () => {
  usermesh = await startUsermesh({ SECRET_KEY: secretKey });
  trap = createServer((_, response) => {
    trapped += 1;
    response.end(JSON.stringify({ keys: [] }));
  }).listen(0, "127.0.0.1");
  await once(trap, "listening");
  trapUrl = `http://127.0.0.1:${(trap.address() as AddressInfo).port}/keys`;
  ({ access: good, refresh } = await signIn(usermesh, await register(usermesh)));
  vendor = await vendorOf(usermesh);
  ours = await openSigningKey();
  theirs = await generateKeyPair("ES256", { extractable: true });
});
afterAll(async () => {
  trap.close();
  await usermesh.stop();
});

async function openSigningKey() {
  const sql = "SELECT kid, private_jwk, public_jwk FROM auth.signing_keys";
  const [row] = await usermesh.database.query<{ kid: string; private_jwk: string; public_jwk: object }>(sql);
  if (!row) throw new Error("There is no signing key");
  const place = { table: "signing_keys", column: "private_jwk", rowId: row.kid };
  const jwk = JSON.parse(parseKeyRing(secretKey).open("signing", row.private_jwk, place).toString());
  const privateKey = (await importJWK(jwk, "ES256")) as Keys["privateKey"];
  return { kid: row.kid, privateKey, publicKey: (await importJWK(row.public_jwk, "ES256")) as Keys["publicKey"] };
}

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
const read = (text = "") => JSON.parse(Buffer.from(text, "base64url").toString());
const claimsOf = (token: string) => read(token.split(".")[1]);
const now = () => Math.floor(Date.now() / 1_000);

function sign(claims: object = {}, header: object = {}, key = ours.privateKey): Promise<string> {
  const all = { alg: "ES256", typ: "at+jwt", kid: ours.kid, ...header };
  const payload = JSON.parse(JSON.stringify({ ...claimsOf(good), ...claims }));
  return new SignJWT(payload).setProtectedHeader(JSON.parse(JSON.stringify(all)) as JWTHeaderParameters).sign(key);
}

async function hmacWithPublicKey(alg: string): Promise<string> {
  const input = `${part({ alg, typ: "at+jwt", kid: ours.kid })}.${good.split(".")[1]}`;
  const secrets = { HS256: await exportSPKI(ours.publicKey), HS384: (await exportJWK(ours.publicKey)).x ?? "" };
  const mac = createHmac(alg.replace("HS", "sha"), secrets[alg as keyof typeof secrets]).update(input);
  return `${input}.${mac.digest("base64url")}`;
}

const pieces = () => good.split(".") as [string, string, string];
const unsigned = (header: object) => `${part({ typ: "at+jwt", kid: ours.kid, ...header })}.${pieces()[1]}.`;

type Forgery = readonly [name: string, make: () => Promise<string> | string, code?: string];
const forgeries: readonly Forgery[] = [
  ["alg none", () => unsigned({ alg: "none" })],
  ["alg NONE", () => unsigned({ alg: "NONE" })],
  ["alg none with the old signature", () => `${unsigned({ alg: "none" })}${pieces()[2]}`],
  ["a valid header without signature", () => `${pieces()[0]}.${pieces()[1]}.`],
  ["HS256 with the public key", () => hmacWithPublicKey("HS256")],
  ["HS384 with the public key's bytes", () => hmacWithPublicKey("HS384")],
  ["a foreign signature under our kid", () => sign({}, {}, theirs.privateKey)],
  ["an unknown kid", () => sign({}, { kid: "0198f7a2-6a3c-7cc1-a2f4-3b1c9d0e5f60" })],
  ["no kid", () => sign({}, { kid: undefined })],
  ["SQL in the kid", () => sign({}, { kid: "' OR '1'='1" })],
  ["a path in the kid", () => sign({}, { kid: "../../../../dev/null" })],
  ["a property name of every object as the kid", () => sign({}, { kid: "constructor" })],
  ["the URL of a key set (jku)", () => sign({}, { jku: trapUrl })],
  ["the URL of a certificate (x5u)", () => sign({}, { x5u: trapUrl })],
  ["a URL as the kid", () => sign({}, { kid: trapUrl })],
  [
    "a key that it brings along (jwk)",
    async () => sign({}, { jwk: await exportJWK(theirs.publicKey) }, theirs.privateKey),
  ],
  ["an embedded certificate (x5c)", () => sign({}, { x5c: ["MIIB"] })],
  ["a critical extension (crit)", () => sign({}, { crit: ["b64"], b64: true })],
  ["expired", () => sign({ exp: now() - 1 }), "token_expired"],
  ["no expiry", () => sign({ exp: undefined })],
  ["not yet valid", () => sign({ nbf: now() + 60 })],
  ["another issuer", () => sign({ iss: "https://evil.example.com" })],
  ["no issuer", () => sign({ iss: undefined })],
  ["another audience", () => sign({ aud: "https://other.example.com" })],
  ["no audience", () => sign({ aud: undefined })],
  ["another type", () => sign({}, { typ: "JWT" })],
  ["an ID token's type", () => sign({}, { typ: "id+jwt" })],
  ["no type", () => sign({}, { typ: undefined })],
  ["no user", () => sign({ sub: undefined })],
  ["an invalid user", () => sign({ sub: "1 OR 1=1" })],
  ["no session", () => sign({ sid: undefined })],
  [
    "more roles, the signature as it was",
    () => `${pieces()[0]}.${part({ ...claimsOf(good), roles: ["admin", "vendor"] })}.${pieces()[2]}`,
  ],
  ["the payload of another token", () => `${pieces()[0]}.${vendor.split(".")[1]}.${pieces()[2]}`],
  ["padding", () => `${good}=`],
  ["a fourth part", () => `${good}.${pieces()[2]}`],
  ["five parts, like an encrypted one", () => `${good}.x.x`],
  ["a public key", () => JSON.stringify({ kid: ours.kid })],
  ["8,192 characters", () => `eyJ${"a".repeat(8_189)}`],
];

describe("a forged access token", () => {
  test.each(forgeries)(
    "%s: 401 as a Bearer token and as a cookie, and inactive in introspection",
    async (_, make, code = "token_invalid") => {
      const token = await make();
      const bearer = await usermesh.api.get("users/me", token);
      expect([verdict(bearer), bearer.headers.get("www-authenticate")]).toEqual([
        `401 ${code}`,
        `Bearer realm="usermesh", error="invalid_token", error_description="${code}"`,
      ]);
      const cookie = `access_token=${encodeURIComponent(token)}`;
      expect((await usermesh.api.request("GET", "users/me", { headers: { cookie } })).status).toBe(401);
      const asked = await usermesh.api.post("auth/introspect", { token }, vendor);
      expect(asked.body).toEqual({ active: false });
    },
  );

  test("no key was fetched from a URL in a token", () => expect(trapped).toBe(0));

  test("a refresh token and a mailed token are not accepted as access tokens", async () => {
    expect(verdict(await usermesh.api.get("users/me", refresh))).toBe("401 token_invalid");
    const person = await register(usermesh);
    const mailed = linkToken(await mailTo(usermesh, person.email, /verify-email/));
    expect(verdict(await usermesh.api.get("users/me", mailed))).toBe("401 token_invalid");
  });

  test("the same token without a flaw is accepted", async () => {
    expect((await usermesh.api.get("users/me", await sign())).status).toBe(200);
    expect((await usermesh.api.get("users/me", await sign({ nbf: now() - 1 }))).status).toBe(200);
  });

  test("of a session that does not exist is refused, even with a valid signature", async () => {
    const claims = claimsOf(good);
    const { access } = await signIn(usermesh, await register(usermesh, newPerson("other")));
    await usermesh.api.post("auth/logout", undefined, access);
    const ended = await sign({ ...claims, sid: claimsOf(access).sid });
    expect(verdict(await usermesh.api.get("users/me", ended))).toBe("401 session_ended");
  });
});

describe("one changed character", () => {
  const others = (character: string) =>
    [..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"].filter((one) => one !== character);
  const statusesOf = async (tokens: readonly string[]) =>
    new Set(await Promise.all(tokens.map(async (token) => verdict(await usermesh.api.get("users/me", token)))));

  test("at the end is 401, even if it decodes to the same bytes, 63 of 63", async () => {
    expect(await statusesOf(others(good.at(-1) ?? "").map((one) => good.slice(0, -1) + one))).toEqual(
      new Set(["401 token_invalid"]),
    );
  });

  test("anywhere else is 401", async () => {
    const changed = [...good].map((character, at) =>
      character === "."
        ? `${good.slice(0, at)}:${good.slice(at + 1)}`
        : good.slice(0, at) + others(character)[at % 63] + good.slice(at + 1),
    );
    expect(await statusesOf(changed)).toEqual(new Set(["401 token_invalid"]));
  });

  test.each([" ", "\t", "%20", "\u00a0"])("whitespace in or around the token is not removed (%j)", async (blank) => {
    const [head, payload, mac] = pieces();
    const seen = await statusesOf([`${head}.${blank}${payload}.${mac}`, `${head}.${payload}${blank}.${mac}`]);
    expect(seen).toEqual(new Set(["401 token_invalid"]));
  });
});

test("the published keys verify the tokens, and have no private members", async () => {
  const { body } = await usermesh.api.get("/.well-known/jwks.json");
  expect(body.keys.map((key: object) => Object.keys(key).toSorted())).toEqual([
    ["alg", "crv", "kid", "kty", "use", "x", "y"],
  ]);
  expect(body.keys[0].kid).toBe(ours.kid);
});
