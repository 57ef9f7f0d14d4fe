import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { begin } from "../../support/data/oauth-flow.ts";
import { type MaliciousProvider, startMaliciousProvider } from "../../support/fakes/malicious-provider.ts";
import { startPathProxy } from "../../support/fakes/path-proxy.ts";
import { startUsermesh, type Usermesh } from "../../support/start/usermesh.ts";

/** What programs see of an installation that a proxy publishes below a path. These tests need no browser. */
let proxy: Awaited<ReturnType<typeof startPathProxy>>;
let provider: MaliciousProvider;
let usermesh: Usermesh;
beforeAll(async () => {
  [proxy, provider] = [await startPathProxy("/auth"), await startMaliciousProvider()];
  usermesh = await startUsermesh({
    PUBLIC_URL: proxy.url,
    OAUTH_LIAR_ISSUER: provider.issuer,
    OAUTH_LIAR_CLIENT_ID: "usermesh",
  });
  proxy.sendTo(usermesh.url);
});
afterAll(async () => {
  await usermesh?.stop();
  await provider?.stop();
  proxy?.stop();
});

test("browsers get pages for `/` and for errors, programs get JSON", async () => {
  const html = { accept: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8" };
  const types = async (headers: Record<string, string>) => {
    const answers = await Promise.all(
      ["/", "/nothing", "/api/v1/users/me"].map((path) => fetch(proxy.url + path, { headers })),
    );
    return answers.map((one) => `${one.status} ${one.headers.get("content-type")?.split(";")[0]}`);
  };
  expect(await types(html)).toEqual(["200 text/html", "404 text/html", "401 text/html"]);
  const problem = "application/problem+json";
  expect(await types({})).toEqual(["200 application/json", `404 ${problem}`, `401 ${problem}`]);
});

test("addresses have the path in front, whether the proxy cuts it off or keeps it", async () => {
  const home = (await (await fetch(`${proxy.url}/`)).json()) as { data: { links: Record<string, string> } };
  expect(home.data.links.docs).toBe("/auth/docs");
  // The gateway itself, asked as a proxy would that keeps the path.
  const page = await (await fetch(`${usermesh.url}/auth/login`)).text();
  const assets = [...page.matchAll(/(?:href|src)="(\/[^"]+)"/g)].map(([, path = ""]) => path);
  expect(assets.filter((path) => !path.startsWith("/auth/"))).toEqual([]);
  const answers = await Promise.all(assets.map((path) => fetch(new URL(path, proxy.url))));
  expect(answers.map(({ status }) => status)).toEqual(assets.map(() => 200));
  const moved = await fetch(`${proxy.url}/.well-known/change-password`, { redirect: "manual" });
  expect([moved.status, moved.headers.get("location")]).toEqual([302, "/auth/account/security"]);
});

test("documents for programs name addresses below the path, which are there", async () => {
  const read = async (url: string) => (await fetch(url)).json() as Promise<Record<string, unknown>>;
  expect((await read(`${proxy.url}/openapi.json`)).servers).toEqual([{ url: proxy.url }]);
  for (const name of ["openid-configuration", "oauth-authorization-server"]) {
    const { issuer, jwks_uri } = await read(`${proxy.url}/.well-known/${name}`);
    expect([issuer, jwks_uri]).toEqual([proxy.url, `${proxy.url}/.well-known/jwks.json`]);
    expect((await read(String(jwks_uri))).keys).not.toEqual([]);
  }
  const { authorizeUrl } = await begin(usermesh.api, "liar");
  const callback = new URL(authorizeUrl).searchParams.get("redirect_uri");
  expect(callback).toBe(`${proxy.url}/api/v1/auth/oauth/liar/callback`);
  expect((await fetch(`${callback}?state=x&code=y`)).status).toBe(400);
});
