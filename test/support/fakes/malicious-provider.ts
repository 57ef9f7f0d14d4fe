import { createHash, randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";

/** What the ID token says beside what it must; `undefined` leaves a claim out. */
export type Claims = Readonly<Record<string, unknown>> & { readonly sub: unknown };

export interface MaliciousProvider {
  readonly issuer: string;
  /** A code for the sign-in that `authorizeUrl` begins, as if the person had agreed. */
  issue(authorizeUrl: string, claims: Claims): string;
  /** Of all token requests so far. */
  readonly verifiers: readonly string[];
  stop(): Promise<void>;
}

interface Issued {
  readonly clientId: string;
  readonly challenge: string;
  readonly redirectUri: string;
  readonly claims: Claims;
}

interface Options {
  /** Promises the parameter `iss` in its answers (RFC 9207). */
  readonly promisesIss?: boolean;
  /** Signs with a key that it does not publish. */
  readonly forges?: boolean;
  /** Has an issuer for each tenant, and a template of them in the metadata of `organizations`, as Microsoft Entra. */
  readonly tenants?: boolean;
}

/** An OpenID Connect provider that checks as it must, and puts into its ID tokens whatever a test wants. */
export async function startMaliciousProvider({
  promisesIss = false,
  forges = false,
  tenants = false,
}: Options = {}): Promise<MaliciousProvider> {
  const [published, other] = await Promise.all([generateKeyPair("RS256"), generateKeyPair("RS256")]);
  const jwks = { keys: [{ ...(await exportJWK(published.publicKey)), alg: "RS256", use: "sig", kid: "1" }] };
  const codes = new Map<string, Issued>();
  const verifiers: string[] = [];
  const server = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const issuer = tenants ? `${origin}/organizations/v2.0` : origin;
  const metadata = {
    issuer: tenants ? `${origin}/{tenantid}/v2.0` : issuer,
    authorization_endpoint: `${origin}/authorize`,
    token_endpoint: `${origin}/token`,
    jwks_uri: `${origin}/jwks`,
    response_types_supported: ["code"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ["RS256"],
    ...(promisesIss && { authorization_response_iss_parameter_supported: true }),
  };
  const idToken = ({ clientId, claims }: Issued) =>
    new SignJWT({ iss: issuer, aud: clientId, iat: Math.floor(Date.now() / 1000), ...claims } as JWTPayload)
      .setProtectedHeader({ alg: "RS256", kid: "1" })
      .setExpirationTime("5m")
      .sign((forges ? other : published).privateKey);
  const redeem = async (form: URLSearchParams) => {
    const issued = codes.get(form.get("code") ?? "");
    codes.delete(form.get("code") ?? "");
    const verifier = form.get("code_verifier") ?? "";
    verifiers.push(verifier);
    const challenge = createHash("sha256").update(verifier).digest("base64url");
    if (issued?.challenge !== challenge || issued.redirectUri !== form.get("redirect_uri")) return null;
    return { access_token: "opaque", token_type: "Bearer", expires_in: 60, id_token: await idToken(issued) };
  };
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    if (request.url?.includes("/.well-known/")) return answer(response, 200, metadata);
    if (request.url === "/jwks") return answer(response, 200, jwks);
    if (request.url !== "/token") return answer(response, 404, {});
    const tokens = await redeem(new URLSearchParams(await textOf(request)));
    answer(response, tokens ? 200 : 400, tokens ?? { error: "invalid_grant" });
  };
  return {
    issuer,
    verifiers,
    issue(authorizeUrl, claims) {
      const asked = new URL(authorizeUrl).searchParams;
      const code = randomBytes(16).toString("hex");
      codes.set(code, {
        clientId: asked.get("client_id") ?? "",
        challenge: asked.get("code_challenge") ?? "",
        redirectUri: asked.get("redirect_uri") ?? "",
        claims: { nonce: asked.get("nonce") ?? undefined, ...claims },
      });
      return code;
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
