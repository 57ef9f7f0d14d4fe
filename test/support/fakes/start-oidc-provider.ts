import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair } from "jose";
import { type KoaContextWithOIDC, Provider } from "oidc-provider";

/**
 * A real OpenID Connect provider as a program of its own: `start-oidc-provider.ts <redirect uri>`. Says its issuer on the
 * first line. Every sign-in is accepted; an address that begins with `unverified` is not vouched for.
 */
const [redirectUri = ""] = process.argv.slice(2);
const server = createServer();
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const { privateKey } = await generateKeyPair("RS256", { extractable: true });

const provider = new Provider(issuer, {
  clients: [{ client_id: "usermesh", client_secret: "usermesh-secret", redirect_uris: [redirectUri] }],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
  cookies: { keys: [randomBytes(16).toString("hex")] },
  jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: "RS256", use: "sig" }] },
  pkce: { required: () => true },
  ttl: { Session: 600, Grant: 600, Interaction: 600, AccessToken: 600, IdToken: 600 },
  findAccount: (_: KoaContextWithOIDC, id: string) => ({
    accountId: id,
    claims: () => ({ sub: id, email: id, email_verified: !id.startsWith("unverified"), name: "Ada of the Provider" }),
  }),
});
server.on("request", provider.callback());
process.stdout.write(`${issuer}\n`);
process.on("disconnect", () => process.exit(0));
